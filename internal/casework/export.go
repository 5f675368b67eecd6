package casework

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"lafia/internal/audit"
	"lafia/internal/programme"
	"lafia/internal/staff"
	"lafia/internal/store"
)

// exportPage bounds what an export holds in memory: rows of at most a few kB.
const exportPage = 500

// Exporting is what somebody takes out.
type Exporting struct {
	As       string // id of the account whose scope it is, where a command takes it
	Reason   string
	WithText bool
}

// Exported is a submission on its way out.
type Exported struct {
	programme.Submission
	// FirstVersion is the report that this one corrects; "": none.
	FirstVersion string
}

// Said gives the submission.
func (e Exported) Said() programme.Submission { return e.Submission }

// Corrects gives the id of the report that this one corrects; "": none.
func (e Exported) Corrects() string { return e.FirstVersion }

// Export gives every submission of the scope, of reports the latest version
// alone, oldest first, a page at a time. Words are opened only when asked for and
// within the scope; a text that does not open is empty, as one that nobody wrote.
// It ends at the first error. Before anything is given, the audit says who takes it
// and why.
func (d *Desk) Export(ctx context.Context, scope staff.Scope, x Exporting) iter.Seq2[Exported, error] {
	words := staff.Scope{Words: scope.Words && x.WithText}
	return func(yield func(Exported, error) bool) {
		act := d.act(scope.Reader, audit.Export, x.As, strconv.FormatBool(words.Words))
		if x.Reason != "" {
			act.Reason = d.ring.Seal([]byte(x.Reason), reasonBound)
		}
		if err := d.store.Audit(ctx, act); err != nil {
			yield(Exported{}, err)
			return
		}
		var after int64
		for {
			rows, err := d.store.SubmissionsAfter(ctx, scope, after, exportPage)
			if err != nil {
				yield(Exported{}, err)
				return
			}
			for _, r := range rows {
				e := Exported{Submission: r.Submission, FirstVersion: r.Corrects}
				e.Text, _ = d.open(words, r.Sealed, "submission/"+r.ID)
				withhold(scope, e.Answers)
				classified(r, e.Answers)
				if !yield(e, nil) {
					return
				}
				after = r.N
			}
			if len(rows) < exportPage {
				return
			}
		}
	}
}

// classified adds what staff set: an exact type that is for the focal points is in
// no export (design.md, decision 7).
func classified(r store.SealedSubmission, answers map[string]string) {
	if t, ok := programme.TensionTypeOf(r.TypeExact); ok && t.Level != programme.L3 {
		answers["type_exact"] = t.Code
	}
	if len(r.Reasons) > 0 {
		answers["reasons"] = strings.Join(r.Reasons, " ")
	}
}
