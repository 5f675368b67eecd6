package outbox

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lafia/internal/job"
	"lafia/internal/store"
)

// Metrics are what an outbox counts. A nil one counts nothing.
type Metrics struct {
	attempts *prometheus.CounterVec
	states   *prometheus.CounterVec
	pickup   *prometheus.HistogramVec
	oldest   *prometheus.GaugeVec
	waiting  *prometheus.GaugeVec
	ratio    *prometheus.GaugeVec
	handed   *prometheus.GaugeVec
	became   *prometheus.GaugeVec
	took     *prometheus.GaugeVec
	budget   prometheus.Gauge
}

// NewMetrics registers an outbox's metrics.
func NewMetrics(to prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lafia_send_attempts_total", Help: "Attempts to send an SMS, by channel and verdict."}, []string{"channel", "verdict"}),
		states: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lafia_outbound_state_total", Help: "Messages that came to a state, by channel, class and state."}, []string{"channel", "class", "state"}),
		pickup: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "lafia_outbound_pickup_seconds", Help: "From the queueing of a message to the turn of its first attempt, by class.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60, 600, 3600}}, []string{"class"}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_outbound_oldest_seconds", Help: "Age of the oldest message that waits to be sent, by class."}, []string{"class"}),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_outbound_waiting", Help: "Messages that wait to be sent, by class."}, []string{"class"}),
		ratio: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_outbound_delivered_ratio", Help: "Share of the messages sent that was delivered, of those queued in the last 24 hours, by channel and operator."},
			[]string{"channel", "operator"}),
		handed: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_outbound_sent_24h", Help: "Messages sent of those queued in the last 24 hours, by channel and operator."}, []string{"channel", "operator"}),
		became: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_outbound_state_24h", Help: "Messages in a state of those queued in the last 24 hours, by channel, operator and state."}, []string{"channel", "operator", "state"}),
		took: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lafia_outbound_delivery_seconds", Help: "From the sending of a message to its arrival, of those queued in the last 24 hours, by channel, operator and quantile."},
			[]string{"channel", "operator", "quantile"}),
		budget: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lafia_budget_used_ratio", Help: "Share of the month's budget that is spent; 0 without a budget."}),
	}
	for _, c := range []prometheus.Collector{m.attempts, m.states, m.pickup, m.oldest, m.waiting, m.ratio, m.handed, m.became, m.took, m.budget} {
		if err := to.Register(c); err != nil {
			return nil, fmt.Errorf("registering metrics: %w", err)
		}
	}
	return m, nil
}

func (m *Metrics) move(v store.Moved) { m.states.WithLabelValues(v.Channel, v.Class, v.State).Inc() }

func (m *Metrics) attempt(channel, verdict string) {
	if m != nil {
		m.attempts.WithLabelValues(channel, verdict).Inc()
	}
}

// began notes how long a message waited for its first attempt.
func (m *Metrics) began(o store.Outbound, a *store.Attempt) {
	if m != nil && a.Tries == 0 && a.Refusals == 0 && !o.Fallen {
		m.pickup.WithLabelValues(o.Class).Observe(max(0, a.At.Sub(o.QueuedAt).Seconds()))
	}
}

func (m *Metrics) queued(all []store.Queued, now time.Time) {
	if m == nil {
		return
	}
	m.oldest.Reset()
	m.waiting.Reset()
	for _, name := range job.ClassNames() {
		m.oldest.WithLabelValues(name).Set(0)
		m.waiting.WithLabelValues(name).Set(0)
	}
	for _, q := range all {
		m.oldest.WithLabelValues(q.Class).Set(max(0, now.Sub(q.Oldest).Seconds()))
		m.waiting.WithLabelValues(q.Class).Set(float64(q.Count))
	}
}

func (m *Metrics) delivered(all []store.Delivery) {
	if m == nil {
		return
	}
	m.ratio.Reset()
	m.handed.Reset()
	m.became.Reset()
	m.took.Reset()
	for _, d := range all {
		for state, n := range map[string]int{"waiting": d.Waiting, "delivered": d.Delivered, "failed": d.Failed, "expired": d.Expired,
			"unknown": d.Unknown, "ambiguous": d.Ambiguous, "sent": d.Messages - d.Waiting - d.Delivered - d.Failed - d.Expired - d.Unknown - d.Ambiguous} {
			m.became.WithLabelValues(d.Channel, d.Operator, state).Set(float64(n))
		}
		if d.Delivered > 0 {
			m.took.WithLabelValues(d.Channel, d.Operator, "0.5").Set(d.Median.Seconds())
			m.took.WithLabelValues(d.Channel, d.Operator, "0.95").Set(d.P95.Seconds())
		}
		m.handed.WithLabelValues(d.Channel, d.Operator).Set(float64(d.Sent))
		if d.Sent > 0 {
			m.ratio.WithLabelValues(d.Channel, d.Operator).Set(float64(d.Delivered) / float64(d.Sent))
		}
	}
}

func (m *Metrics) spent(share float64) {
	if m != nil {
		m.budget.Set(share)
	}
}
