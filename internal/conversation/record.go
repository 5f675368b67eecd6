package conversation

import (
	"context"
	"time"

	"lafia/internal/programme"
	"lafia/internal/store"
)

// Record is what a conversation needs of the record. *store.Store is one.
type Record interface {
	Captures
	Callers
	Inbox
	Later

	Projects(ctx context.Context) ([]programme.Project, error)
	Places(ctx context.Context) ([]programme.Place, error)
	KeepBook(ctx context.Context, hash string, content map[string]string, now time.Time) error
	Book(ctx context.Context, hash string) (map[string]string, error)
	Receipt(ctx context.Context, r store.Receipt, now time.Time) error
	ChannelAlive(ctx context.Context, channel string, now time.Time) error
	KeepUnreadable(ctx context.Context, u store.Unreadable) error
}

// Captures makes what people say durable, each thing once by its id.
type Captures interface {
	Capture(ctx context.Context, r store.Run) (store.Captured, error)
	Confirm(ctx context.Context, contact []byte, id string, now time.Time) error
	PutWishes(ctx context.Context, wishes ...store.Wish) error
	AskErasure(ctx context.Context, contact []byte, asked, due time.Time) error
	KeepContact(ctx context.Context, contact []byte) error
	Erase(ctx context.Context, contact []byte, now time.Time) error
}

// Callers is what is known of a contact.
type Callers interface {
	Remember(ctx context.Context, contact []byte, channel, medium string, hopKey []byte, now time.Time) (store.Remembered, error)
	WriteBehind(ctx context.Context, traces []store.Trace) error
	Leads(ctx context.Context, contact []byte) ([]store.Leader, error)
	PINFailed(ctx context.Context, contact []byte, group string, hopKey []byte) (int, error)
	PINPassed(ctx context.Context, contact []byte, group string) error
	Unconfirmed(ctx context.Context, contact []byte, group string, now time.Time) (programme.Submission, error)
	ReportOf(ctx context.Context, group, month string) (store.Report, error)
	StatusByReference(ctx context.Context, contact []byte, ref programme.Reference) (programme.Status, error)
	AnswerTo(ctx context.Context, contact []byte, ref programme.Reference) (submissionID string, sealed []byte, err error)
	Wished(ctx context.Context, contact []byte, purpose string) (given, known bool, err error)
	Erasing(ctx context.Context, contact []byte) (bool, error)
}

// Inbox is where messages wait until they are handled.
type Inbox interface {
	Receive(ctx context.Context, m store.Received) (altered bool, err error)
	ReceivePart(ctx context.Context, p store.ReceivedPart) (altered bool, err error)
	LatestSent(ctx context.Context, contact []byte, channel string, before time.Time) (int64, error)
	CloseStaleParts(ctx context.Context, before, now time.Time) (int, error)
	EachWaiting(ctx context.Context, inboundID string, now func() time.Time, handle func(context.Context, store.Inbound) (store.Answer, error)) error
	PutInboxKey(ctx context.Context, day string, wrapped []byte) ([]byte, error)
	InboxKey(ctx context.Context, day string) ([]byte, error)
}

// Later is what time brings.
type Later interface {
	OldDrafts(ctx context.Context, before time.Time, most int) ([]store.OldDraft, error)
	DropDraft(ctx context.Context, d store.OldDraft) error
	DueFollowups(ctx context.Context, now time.Time, most int) ([]store.Followup, error)
	FollowupSent(ctx context.Context, submissionID string, now time.Time) error
	AnswerFollowup(ctx context.Context, contact []byte, said string, since, now time.Time) (bool, error)
	QueueOutbound(ctx context.Context, o store.Outgoing, now time.Time) error
}
