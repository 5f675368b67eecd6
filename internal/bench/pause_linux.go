package bench

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// steady makes the calling goroutine's pauses exact: Go's own timer wakes up to
// 1 ms late on an idle machine (performance.md 3).
func steady() (done func()) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return runtime.UnlockOSThread
}

func pause(d time.Duration) {
	ts := unix.NsecToTimespec(d.Nanoseconds())
	_ = unix.Nanosleep(&ts, nil) // a signal wakes it early; the caller looks at the clock again
}
