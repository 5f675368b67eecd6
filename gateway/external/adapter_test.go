package external_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/base64"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lafia/gateway/external"
	"lafia/gateway/gatewaytest"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

// now is the suite's.
var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// settingsOf reads the account of the one channel in a file.
func settingsOf(t testing.TB, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Channel []struct {
			Adapter string
			From    string
			Account map[string]string
		}
	}
	if err := toml.Unmarshal(b, &sample); err != nil || len(sample.Channel) != 1 || sample.Channel[0].Adapter != "external" {
		t.Fatalf("%s: %v %v", file, err, sample)
	}
	return sample.Channel[0].Account
}

// aggregator is one that is described by settings, with its folder of samples;
// those of Lafia's own JSON stand in testdata itself.
type aggregator struct {
	dir     string
	options gatewaytest.Options
}

func aggregators(t testing.TB) []aggregator {
	account := func(settings map[string]string) message.Account { return message.Account{Settings: settings} }
	made := account(settingsOf(t, "testdata/made.toml"))
	made.Signatures = []message.Secret{message.NewSecret("right")}
	return []aggregator{
		{"", gatewaytest.Options{Account: account(map[string]string{"send_url": "https://aggregator.example/send"}), StatusField: "status"}},
		{"mtarget", gatewaytest.Options{Account: account(settingsOf(t, "testdata/mtarget.toml")), StatusField: "Status"}},
		{"lafricamobile", gatewaytest.Options{Account: account(settingsOf(t, "testdata/lafricamobile.toml")), StatusField: "status"}},
		{"made", gatewaytest.Options{
			Account: made, StatusField: "name", Batch: "results", Window: 5 * time.Minute,
			Sign: func(r *message.Request) { signMade(r, "right", now) },
		}},
	}
}

// signMade signs as made.toml has it.
func signMade(r *message.Request, key string, at time.Time) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha512.New, []byte(key))
	mac.Write([]byte(stamp + "."))
	mac.Write(r.Body)
	r.Header.Set("X-Made-Time", stamp)
	r.Header.Set("X-Made-Signature", "v1="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestTheSuitePassesForEveryAggregatorThatSettingsDescribe(t *testing.T) {
	for _, a := range aggregators(t) {
		t.Run(filepath.Join("testdata", a.dir), func(t *testing.T) {
			x := external.New().For(a.options.Account)
			for _, line := range external.New().CheckSettings(a.options.Account) {
				t.Error(line)
			}
			a.options.Update = *update
			gatewaytest.Run(t, x, filepath.Join("testdata", a.dir), a.options)
		})
	}
}

func FuzzParse(f *testing.F) {
	all := aggregators(f)
	gatewaytest.Fuzz(f, external.New().For(all[0].options.Account), "testdata", all[0].options)
}

func FuzzParseOfSettings(f *testing.F) {
	all := aggregators(f)
	gatewaytest.Fuzz(f, external.New().For(all[3].options.Account), "testdata/made", all[3].options)
}
