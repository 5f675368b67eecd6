//go:build !linux

package bench

import "time"

func steady() (done func()) { return func() {} }

func pause(d time.Duration) { time.Sleep(d) }
