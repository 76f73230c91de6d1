package api

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A lapse behaves as the library's context does, whether somebody waited for it before its end or not.
func TestLapse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		base, stop := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
		defer stop()
		for name, c := range map[string]struct {
			do   func(l *lapse)
			want error
		}{
			"still there":             {func(*lapse) {}, nil},
			"ended by the work":       {func(l *lapse) { l.end() }, context.Canceled},
			"ended while waited for":  {func(l *lapse) { l.Done(); l.end() }, context.Canceled},
			"over":                    {func(*lapse) { time.Sleep(2 * time.Second) }, context.DeadlineExceeded},
			"over while waited for":   {func(l *lapse) { <-l.Done() }, context.DeadlineExceeded},
			"ended, then over":        {func(l *lapse) { l.end(); time.Sleep(2 * time.Second) }, context.Canceled},
			"over, then ended":        {func(l *lapse) { <-l.Done(); l.end() }, context.DeadlineExceeded},
			"a child over":            {func(l *lapse) { c, end := context.WithTimeout(l, time.Hour); defer end(); <-c.Done() }, context.DeadlineExceeded},
			"a child that ends first": {func(l *lapse) { c, end := context.WithTimeout(l, time.Millisecond); defer end(); <-c.Done() }, nil},
		} {
			l := withLapse(base, time.Second)
			c.do(l)
			if err := l.Err(); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			select {
			case <-l.Done():
				if c.want == nil {
					t.Errorf("%s: done", name)
				}
			default:
				if c.want != nil {
					t.Errorf("%s: not done", name)
				}
			}
			if at, ok := l.Deadline(); !ok || at.IsZero() || l.Value(key{}) != "value" {
				t.Errorf("%s: %v %v", name, at, l.Value(key{}))
			}
			l.end()
		}
		l := withLapse(base, time.Second)
		child, end := context.WithCancel(l)
		defer end()
		stop()
		synctest.Wait()
		if !errors.Is(l.Err(), context.Canceled) || !errors.Is(child.Err(), context.Canceled) {
			t.Errorf("the parent ended: %v %v", l.Err(), child.Err())
		}
		l.end()
		if l = withLapse(base, time.Second); !errors.Is(l.Err(), context.Canceled) {
			t.Errorf("of a parent that ended before: %v", l.Err())
		}
		l.end()
	})
}
