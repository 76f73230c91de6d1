// Package fault holds the knobs of the stand-ins: a list of faults, each for one operation and for a
// number of requests, armed from Go or over HTTP as JSON.
package fault

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is one armed knob. Fields beyond Kind, On and Count mean what the stand-in's documentation
// says for the kind.
type Fault struct {
	Kind string `json:"kind"`
	// On names the operation; empty: the first that the kind is allowed on.
	On string `json:"on,omitempty"`
	// Count is how many requests it hits; 0 means 1, negative: until cleared.
	Count int `json:"count,omitempty"`
	// DelayMS is in milliseconds.
	DelayMS int    `json:"delay_ms,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Amount in tiyn.
	Amount int64 `json:"amount,omitempty"`
	// Status is an HTTP status code.
	Status int `json:"status,omitempty"`
}

// Delay is DelayMS, or the given default if it is zero.
func (f Fault) Delay(otherwise time.Duration) time.Duration {
	if f.DelayMS == 0 {
		return otherwise
	}
	return time.Duration(f.DelayMS) * time.Millisecond
}

// Set is the list of a stand-in. It is safe for concurrent use.
type Set struct {
	kinds map[string][]string // kind → operations it may be on

	mu   sync.Mutex
	list []Fault
}

// NewSet takes the kinds that the stand-in knows, each with the operations it may be on.
func NewSet(kinds map[string][]string) *Set { return &Set{kinds: kinds} }

// Add arms a fault behind those of the same operation that are still armed.
func (s *Set) Add(f Fault) error {
	operations, ok := s.kinds[f.Kind]
	if !ok {
		return fmt.Errorf("unknown fault %q", f.Kind)
	}
	if f.On == "" {
		f.On = operations[0]
	}
	if !slices.Contains(operations, f.On) {
		return fmt.Errorf("fault %q can't be on %q, but on %q", f.Kind, f.On, operations)
	}
	if f.Count == 0 {
		f.Count = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, f)
	return nil
}

// Take uses up one request's worth of the oldest fault on the operation.
func (s *Set) Take(on string) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.list {
		if f.On != on {
			continue
		}
		if f.Count > 0 {
			s.list[i].Count--
			if s.list[i].Count == 0 {
				s.list = slices.Delete(s.list, i, i+1)
			}
		}
		return f, true
	}
	return Fault{}, false
}

// Clear disarms all.
func (s *Set) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
}

// Armed is a copy of the list.
func (s *Set) Armed() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Fault{}, s.list...)
}

// ServeHTTP is the control address: GET lists, POST arms one fault or an array of them, DELETE clears.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodDelete:
		s.Clear()
	case http.MethodPost:
		if err := s.post(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	default:
		http.Error(w, "GET, POST or DELETE", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(s.Armed()) //nolint:errcheck // the client is gone
}

func (s *Set) post(w http.ResponseWriter, r *http.Request) error {
	var raw json.RawMessage
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&raw); err != nil {
		return err
	}
	list := make([]Fault, 1)
	var err error
	if raw[0] == '[' {
		err = json.Unmarshal(raw, &list)
	} else {
		err = json.Unmarshal(raw, &list[0])
	}
	if err != nil {
		return err
	}
	for _, f := range list {
		if err := s.Add(f); err != nil {
			return err
		}
	}
	return nil
}
