package conversation

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// fill gives every field of a value something, so that a field that is added
// and not packed is missed.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(strings.Repeat("é", *n%3) + "v" + string(rune('a'+*n%26)))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Uint64:
		v.SetUint(uint64(*n) << 40)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*live]() { // a session beside another has none beside it
			v.Set(reflect.ValueOf(&live{ID: "beside", Used: *n, Run: "run"}))
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(key, n)
			fill(value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1_800_000_000, int64(*n)).UTC()))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i), n)
			}
		}
	default:
		panic("a session has a field of kind " + v.Kind().String() + ", which this test does not know")
	}
}

func TestPackedSessionComesBackWhole(t *testing.T) {
	n := 0
	full := &live{}
	fill(reflect.ValueOf(full).Elem(), &n)
	page := *full
	page.Shown.Page = 1
	page.Last.Text = page.Shown.Text()
	for name, l := range map[string]*live{"full": full, "empty": {}, "reply is the page": &page} {
		got, err := unpackLive(l.pack())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, l) {
			t.Errorf("%s: packed\n%+v\nit came back as\n%+v", name, l, got)
		}
	}
	before := &live{ID: "of the form before", Used: 3, Sequence: 4}
	b := before.pack()
	b = append([]byte{packingBefore}, b[1:len(b)-3]...) // which had no Lost, no Arrived and nothing beside
	if got, err := unpackLive(b); err != nil || !reflect.DeepEqual(got, before) {
		t.Errorf("the form before came back as %+v, %v", got, err)
	}
	var r remembered
	fill(reflect.ValueOf(&r).Elem(), &n)
	for _, r := range []remembered{r, {}} {
		if got, err := unpackRemembered(r.pack()); err != nil || got != r {
			t.Errorf("contact %+v came back as %+v, %v", r, got, err)
		}
	}
}

func TestCutOrForeignSessionDoesNotUnpack(t *testing.T) {
	n := 0
	l := &live{}
	fill(reflect.ValueOf(l).Elem(), &n)
	b := l.pack()
	for i := range b {
		if _, err := unpackLive(b[:i]); err == nil {
			t.Fatalf("the first %d of %d bytes unpacked", i, len(b))
		}
	}
	for _, foreign := range []string{"", `{"id":"x"}`, string(b) + "x"} {
		if _, err := unpackLive([]byte(foreign)); err == nil {
			t.Errorf("%.20q unpacked", foreign)
		}
	}
}
