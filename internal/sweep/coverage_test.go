package sweep_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"lafia/internal/sweep"
)

// apart are the functions with calls of I/O that no point of the sweep is in, with
// the reason; a name that ends in a point is a whole room or type.
var apart = map[string][]string{
	"the servers of dev and of tests, which end with them":             {"servers.", "app.openDev", "app.startDev", "app.(*dev)."},
	"dev's own telephones":                                             {"simulator."},
	"a config file or a key is read once, before anything is answered": {"config.", "vault.", "app.readSecrets"},
	"a command of an operator's, which can be given again": {
		"app.AdoptSpool", "app.readNode", "app.writeFile", "app.rows", "spool.(*Spool).adopt", "spool.(*Spool).takeOver", "spool.survey",
		"store.(*Store).ForgetNode", "store.(*Store).HeardCommunes", "store.(*Store).AddStaff", "store.(*Store).ListStaff",
		"store.(*Store).PutPlaces", "store.(*Store).PutProjects", "store.(*Store).PutGroup", "store.(*Store).LoadDemo", "store.(*Store).SetDemoPassword", "store.(*Store).Migrate",
		"store.(*Store).VerifyKnown", "store.(*Store).VerifyText", "store.verified",
		"store.(*Store).ReadAudit", "store.(*Store).AuditEnd", "store.auditEntries",
		"app.ErasePerson", "store.(*Store).AskErasureNow", "store.(*Store).PersonOf", "store.personMessages", "store.(*Store).Spooled", "store.(*Store).ExportsSince",
		"store.(*Store).UnreadAfter", "store.(*Store).DropUnread", "store.(*Store).Vacuum", "session.(*Store).Forget", "store.(*Store).VerifySealed",
		"app.ConfirmRestore", "store.(*Store).ConfirmRestore", "store.openRestore",
		"store.(*Store).UseOfficeKey", "store.runningNodes", "store.(*Store).WhileRotating", "store.(*Store).SealedUnder", "store.(*Store).rewrap", "store.(*Store).replace",
	},
	"what a gateway remembers outside the record, beside the seam: internal/app has its faults, fakeaggregator's C29 its kills": {
		"app.readLife", "app.readErased", "app.addErased", "app.replaceFile", "app.syncDir",
	},
	"only where a backup was restored: app's TestAnOlderRecordHolds": {"store.(*Store).NoticeRestore"},
	"a start: without it nothing is answered": {
		"app.(*App).openServers", "app.(*App).startConversation", "app.listen", "store.(*Store).Stranger", "store.Open", "session.(*Store).Ping", "session.(*Store).Policy", "session.(*Store).Begin",
		"spool.Open", "spool.makeDir", "spool.readSegment", "spool.(*found).mend", // their faults: internal/spool
	},
	"what stands behind the seam": {"spool.Disk.", "session.(*shared).trip"},
	"its faults are in internal/spool: what was delivered is noted, or is delivered again": {"spool.(*segment).flush", "spool.(*Spool).Close", "spool.(*Spool).forgetCount"},
	"a reading for a caller's screen: nothing is made durable by it, and she is told to call again": {
		"store.(*Store).AnswerTo", "store.(*Store).StatusByReference", "store.(*Store).Wished", "store.(*Store).Erasing", "store.(*Store).LatestSent",
		"store.(*Store).SpooledElsewhere", "store.(*Store).RunOfHop", "store.(*Store).FollowupOf", "store.(*Store).Book", "store.report",
	},
	"by the clock: it comes again": {
		"store.(*Store).GatewayBeat", "store.(*Store).ChannelAlive", "store.(*Store).CloseStaleParts", "store.(*Store).DropDraft", "store.(*Store).Purge", "store.(*Store).Transitions",
	},
	"only behind a save that failed, where failing changes nothing: fakeaggregator's TestRedisFull": {"session.(*Store).Drop"},
	"its like by another identity is hit: store.identify":                                           {"store.identifyByTime"},
	"staff's reading: it loses nothing": {
		"casework.", "store.(*Store).AnswersOf", "store.(*Store).AuditBefore", "store.(*Store).Broadcasts", "store.(*Store).ChannelHealth", "store.(*Store).Closings", "store.(*Store).ClassificationsOf",
		"store.(*Store).ConfidentialNewest", "store.(*Store).CountNew", "store.(*Store).CountSubmissions", "store.(*Store).DecisionsOf", "store.(*Store).DoubtByID", "store.(*Store).doubts",
		"store.(*Store).EventsOf", "store.(*Store).HasConfidentialRows", "store.(*Store).Listeners", "store.(*Store).Number", "store.(*Store).PlaceName", "store.(*Store).Progress",
		"store.(*Store).ProjectsOf", "store.(*Store).ReferencesOf", "store.(*Store).RepliesOf", "store.(*Store).SentLately", "store.(*Store).oneStaff", "store.beginAudit", "store.(*Store).ShowNumber",
	},
	"a verb of staff's, one transaction that can be asked for again: its tests are with the verb": {
		"store.(*Store).CloseSession", "store.(*Store).OpenSession", "store.(*Store).SessionOf", "store.(*Store).TouchSession", "store.(*Store).SetStaffLanguage",
		"store.(*Store).ConfirmReport", "store.(*Store).Decide", "store.(*Store).MoveSubmission", "store.(*Store).PutBroadcast", "store.(*Store).StopBroadcast", "store.(*Store).PutClosing", "store.(*Store).DropClosing",
		"store.(*Store).PutClassification", "store.(*Store).RaiseLevel", "store.(*Store).TakeBack", "store.(*Store).PutNumber",
	},
}

// uncovered tells which functions with calls of I/O are neither hit nor apart, and
// which are apart for nothing.
func uncovered(calls []sweep.Call, hit map[string]bool) (wrong []string) {
	where := map[string]string{}
	for _, c := range calls {
		where[c.Func] = c.At
	}
	covers := func(name, f string) bool {
		return name == f || strings.HasSuffix(name, ".") && strings.HasPrefix(f, name)
	}
	told := map[string]bool{}
	for f, at := range where {
		for _, names := range apart {
			for _, name := range names {
				if covers(name, f) {
					told[f] = true
				}
			}
		}
		if !hit[f] && !told[f] {
			wrong = append(wrong, fmt.Sprintf("%s (%s) asks a disk or a server, and no point of the sweep is in it: give it a script, or a reason", f, at))
		}
	}
	for why, names := range apart {
		for _, name := range names {
			there := false
			for f := range where {
				if !covers(name, f) {
					continue
				}
				if there = true; hit[f] {
					wrong = append(wrong, fmt.Sprintf("%s is hit, and stands apart (%s)", f, why))
				}
			}
			if !there {
				wrong = append(wrong, fmt.Sprintf("%s stands apart, and is not there any more", name))
			}
		}
	}
	return wrong
}

// running gives the calls of a serving gateway's rooms.
func running(t *testing.T) []sweep.Call {
	t.Helper()
	calls, err := sweep.Calls(os.DirFS("../.."), "internal/app")
	must(t, err)
	if len(calls) < 200 {
		t.Fatalf("only %d calls of I/O were found", len(calls))
	}
	return calls
}

func TestACallOfIOThatNoPointIsInIsReported(t *testing.T) {
	tree := fstest.MapFS{
		"internal/app/a.go": {Data: []byte("package app\n\nimport \"lafia/internal/store\"\n\nvar _ = store.New\n")},
		"internal/store/s.go": {Data: []byte(`package store

func (s *Store) Forget(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "delete from memory")
	return err
}
`)},
	}
	calls, err := sweep.Calls(tree, "internal/app")
	must(t, err)
	if len(calls) != 1 || calls[0].Func != "store.(*Store).Forget" {
		t.Fatalf("found %v", calls)
	}
	found := false
	for _, w := range uncovered(calls, nil) {
		found = found || strings.HasPrefix(w, "store.(*Store).Forget (internal/store/s.go:4) asks")
	}
	if !found {
		t.Error("a call that nothing covers was not reported")
	}
	for _, w := range uncovered(calls, map[string]bool{"store.(*Store).Forget": true}) {
		if strings.HasPrefix(w, "store.(*Store).Forget (") {
			t.Errorf("a call that is hit was reported: %s", w)
		}
	}
}
