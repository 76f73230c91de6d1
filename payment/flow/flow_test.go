package flow

import (
	"errors"
	"testing"
)

type lamp string

func TestTable(t *testing.T) {
	table, err := New("lamp", lamp("off"), []Edge[lamp]{{"off", "press", "on"}, {"on", "press", "off"}, {"on", "break", "broken"}})
	if err != nil {
		t.Fatal(err)
	}
	if to, err := table.Next("on", "break"); err != nil || to != "broken" {
		t.Errorf("got %s, %v", to, err)
	}
	if _, err := table.Next("broken", "press"); !errors.Is(err, ErrForbidden) {
		t.Errorf("a broken lamp was pressed: %v", err)
	}
	if !table.Final("broken") || table.Final("on") {
		t.Error("finality")
	}
	want := "stateDiagram-v2\n    [*] --> off\n    off --> on: press\n    on --> off: press\n    on --> broken: break\n    broken --> [*]\n"
	if got := table.Draw(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := New("lamp", lamp("off"), []Edge[lamp]{{"off", "press", "on"}, {"off", "press", "off"}}); err == nil {
		t.Error("an ambiguous table was taken")
	}
	if _, err := New("lamp", lamp("off"), []Edge[lamp]{{"on", "press", "off"}}); err == nil {
		t.Error("a table with an unreachable state was taken")
	}
}
