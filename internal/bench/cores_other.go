//go:build !linux

package bench

func pin([]int) error { return nil }

// cores lists none: processes cannot be kept to cores here.
func cores() ([]int, error) { return nil, nil }
