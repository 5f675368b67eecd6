package casework

import (
	"context"
	"iter"

	"lafia/internal/programme"
	"lafia/internal/staff"
)

// exportPage bounds what an export holds in memory: rows of at most a few kB.
const exportPage = 500

// Export gives every submission of the scope, oldest first, a page at a time.
// Words are opened only when asked for and within the scope; a text that does
// not open is empty, as one that nobody wrote. It ends at the first error.
func (d *Desk) Export(ctx context.Context, scope staff.Scope, withText bool) iter.Seq2[programme.Submission, error] {
	words := staff.Scope{Words: scope.Words && withText}
	return func(yield func(programme.Submission, error) bool) {
		var after int64
		for {
			rows, err := d.store.SubmissionsAfter(ctx, scope, after, exportPage)
			if err != nil {
				yield(programme.Submission{}, err)
				return
			}
			for _, r := range rows {
				s := r.Submission
				s.Text, _ = d.open(words, r.Sealed, "submission/"+r.ID)
				withhold(scope, s.Answers)
				if !yield(s, nil) {
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
