package config

import (
	"errors"
	"time"
)

// Duration is a time.Duration that is written as "10s" or "1m30s".
type Duration time.Duration

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return errors.New(quoted(string(b)) + " is no duration")
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes it.
func (d Duration) String() string { return time.Duration(d).String() }
