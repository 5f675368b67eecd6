package gateway_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/gateway"
)

func TestMetricsCountByChannelKindAndOutcomeAndHoldNoNumber(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := start(t, &recorder{}, func(o *gateway.Options, _ *gateway.AppOptions) { o.Metrics = gateway.NewMetrics(registry) })
	for _, post := range [][2]string{
		{"/webhooks/at/ussd?token=old", hop},
		{"/webhooks/at/ussd?token=old", hop},
		{"/webhooks/at/sms?token=old", "a=b"},
		{"/webhooks/at/sms?token=22370000001", sms},
		{"/webhooks/at/22370000001?token=old", sms},
		{"/webhooks/22370000001/sms?token=old", sms},
		{"/webhooks/nowhere/sms", sms},
		{"/webhooks/signed/sms?token=t", sms},
		{"/webhooks/fenced/sms?token=t", sms},
	} {
		s.do(t, "POST", post[0], post[1])
	}
	got := gathered(t, registry)
	want := map[string]float64{
		"lafia_webhook_seconds at ussd ok":                    2,
		"lafia_webhook_seconds at sms unreadable":             1,
		"lafia_webhook_seconds at sms refused":                1,
		"lafia_webhook_seconds at unknown refused":            1,
		"lafia_webhook_seconds unknown sms refused":           2,
		"lafia_webhook_seconds signed sms refused":            1,
		"lafia_webhook_seconds fenced sms refused":            1,
		"lafia_webhook_refused_total at token":                1,
		"lafia_webhook_refused_total at unknown_kind":         1,
		"lafia_webhook_refused_total unknown unknown_channel": 2,
		"lafia_webhook_refused_total signed signature":        1,
		"lafia_webhook_refused_total fenced network":          1,
		"lafia_webhook_unreadable_total at sms":               1,
		"lafia_shed_total ussd":                               0,
		"lafia_shed_total sms":                                0,
		"lafia_shed_total status":                             0,
		"lafia_shed_total call":                               0,
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s is %g, want %g", name, got[name], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
}

// gathered gives every count by its name and labels.
func gathered(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			labels := []string{}
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			n := m.GetCounter().GetValue()
			if h := m.GetHistogram(); h != nil {
				n = float64(h.GetSampleCount())
			}
			got[f.GetName()+" "+strings.Join(labels, " ")] = n
		}
	}
	return got
}
