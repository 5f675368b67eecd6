package message_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"lafia/gateway/message"
)

func TestANumberIsReadHoweverItIsWritten(t *testing.T) {
	for in, want := range map[string]string{
		"+22370000001": "+22370000001", " 22370000001": "+22370000001", "0022370000001": "+22370000001",
		"+223 70 00-00.01": "+22370000001", "tel:+22370000001": "+22370000001", "70000001": "+22370000001",
		"22370000001": "+22370000001", "36000": "36000", "LAFIA": "LAFIA", "": "", "+": "", " ( ) ": "",
	} {
		n := message.ParseNumber(in)
		if n.Reveal() != want || n.IsZero() != (want == "") || n.IsPhone() != strings.HasPrefix(want, "+") {
			t.Errorf("%q is read as %q", in, n.Reveal())
		}
	}
}

func TestANumberAndASecretNeverPrint(t *testing.T) {
	v := struct {
		N message.Number
		S message.Secret
		P *message.Number
	}{N: message.ParseNumber("+22370000001"), S: message.NewSecret("22370000001")}
	v.P = &v.N
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", v, v.N, v.S)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(b)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "n", v.N, "s", v.S, "v", v)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "n", v.N, "s", v.S, "v", v)
	for _, shown := range []string{"70000001", "3232333730", "2b323233"} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("a number is shown: %s", out.String())
		}
	}
}
