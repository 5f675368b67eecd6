package skeleton_test

import (
	"flag"
	"testing"

	"lafia/gateway/gatewaytest"
	"lafia/gateway/gatewaytest/skeleton"
	"lafia/gateway/message"
)

var update = flag.Bool("update", false, "write the golden files")

func options() gatewaytest.Options {
	return gatewaytest.Options{
		Account:     message.Account{Settings: map[string]string{"api_key": "k", "from": "Lafia"}},
		StatusField: "status",
		Update:      *update,
	}
}

func TestTheSuitePasses(t *testing.T) {
	gatewaytest.Run(t, skeleton.New(), "testdata", options())
}

func FuzzParse(f *testing.F) {
	gatewaytest.Fuzz(f, skeleton.New(), "testdata", options())
}

func TestEveryStateHasItsMeaning(t *testing.T) {
	samples := gatewaytest.Requests(t, "testdata")
	for name, want := range map[string]message.Status{"status_delivered": message.StatusDelivered, "status_failed": message.StatusFailed} {
		p := skeleton.New().Parse(message.KindStatus, samples[name], message.Account{}, options().Now)
		if len(p.Events) != 1 || p.Events[0].Receipt == nil || p.Events[0].Receipt.Status != want {
			t.Errorf("%s is not %s: %s", name, want, gatewaytest.Show(p))
		}
	}
}
