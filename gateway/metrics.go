package gateway

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/gateway/message"
)

// Metrics are the gateway's counts. Labels are a channel's name, a kind, an
// outcome and a reason, all from short lists: no number, no commune, no path.
// Whatever channel does not exist is counted under "unknown".
type Metrics struct {
	requests *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	unread   *prometheus.CounterVec
	alive    *prometheus.GaugeVec
	shedding *prometheus.CounterVec
}

// NewMetrics makes the metrics and registers them; nil registers them nowhere.
// It panics when they are registered there already.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lafia_webhook_seconds",
			Help: "Time to answer a webhook, by channel, kind and outcome; its count is the number of hops and messages.",
			// From a screen served out of memory to the budget of a hop.
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 8, 10},
		}, []string{"channel", "kind", "outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lafia_webhook_refused_total",
			Help: "Webhooks answered with 401, by channel (unknown: there is none of that name) and reason.",
		}, []string{"channel", "reason"}),
		unread: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lafia_webhook_unreadable_total",
			Help: "Authentic webhooks that could not be read and were kept raw.",
		}, []string{"channel", "kind"}),
		alive: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_channel_alive_timestamp_seconds",
			Help: "When a channel's far end last said by itself that it is there, in Unix seconds; only channels that do so.",
		}, []string{"channel"}),
		shedding: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lafia_shed_total",
			Help: "Authentic webhooks for which there was no room, by kind: callers read that the service is busy, the others get 503.",
		}, []string{"kind"}),
	}
	for _, k := range []message.Kind{message.KindUSSD, message.KindSMS, message.KindStatus, message.KindCall} {
		m.shedding.WithLabelValues(string(k)) // an alert needs the 0 as well
	}
	if r != nil {
		r.MustRegister(m.requests, m.refused, m.unread, m.alive, m.shedding)
	}
	return m
}

func (m *Metrics) observe(channel string, kind message.Kind, out outcome, took time.Duration) {
	m.requests.WithLabelValues(channel, string(kind), string(out)).Observe(took.Seconds())
}

func (m *Metrics) refuse(channel string, why refusal) {
	m.refused.WithLabelValues(channel, string(why)).Inc()
}

// Alive sets when a channel's far end last said that it is there: after a start,
// what the record knows of before.
func (m *Metrics) Alive(channel string, at time.Time) {
	m.alive.WithLabelValues(channel).Set(float64(at.UnixMilli()) / 1000)
}

func (m *Metrics) shed(kind message.Kind) {
	m.shedding.WithLabelValues(string(kind)).Inc()
}

func (m *Metrics) unreadable(channel string, kind message.Kind) {
	m.unread.WithLabelValues(channel, string(kind)).Inc()
}
