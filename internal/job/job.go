// Package job holds the arguments of jobs: ids only, never a number or a word,
// since jobs are kept in the database in the clear.
package job

// HandleInbound asks for a contact's unhandled messages to be taken in order.
type HandleInbound struct {
	InboundID string `json:"inbound_id"`
}

// Kind names the job in the queue.
func (HandleInbound) Kind() string { return "handle_inbound" }

// SendOutbound asks for one message to be sent.
type SendOutbound struct {
	OutboundID string `json:"outbound_id"`
}

// Kind names the job in the queue.
func (SendOutbound) Kind() string { return "send_outbound" }

// CloseParts asks for long messages whose parts did not all come to be handled as
// they are.
type CloseParts struct{}

// Kind names the job in the queue.
func (CloseParts) Kind() string { return "close_parts" }

// Purge asks for what has outlived its time to be deleted.
type Purge struct{}

// Kind names the job in the queue.
func (Purge) Kind() string { return "purge" }

// Queues, so that sending never waits behind handling.
const (
	QueueInbound  = "inbound"
	QueueOutbound = "outbound"
	QueueBulk     = "bulk" // reminders and broadcasts: a reply never waits behind one
	QueueUpkeep   = "upkeep"
)
