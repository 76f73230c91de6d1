package recon

import "testing"

func TestStatusOf(t *testing.T) {
	for want, of := range map[Status][]Standing{
		NotBooked:    {{Tiyn: 5, ByRules: 5}, {Tiyn: 5, Exception: Void}},
		PostedAuto:   {{Booked: true, Tiyn: 5, ByRules: 5}, {Booked: true, Tiyn: -5, ByRules: -5, Exception: Void}, {Booked: true, Tiyn: 5, ByRules: 5, Exception: Archived}},
		PostedManual: {{Booked: true, Tiyn: 5, ByPeople: 5, Exception: Resolved, Way: Link}},
		PostedForced: {{Booked: true, Tiyn: 5, ByPeople: 5, Exception: Archived, Way: Force}},
		Partial:      {{Booked: true, Tiyn: 5, ByPeople: 4, Exception: Resolved, Way: Link}},
		Listed:       {{Booked: true, Tiyn: 5, Exception: Open}, {Booked: true, Tiyn: 5, Exception: Proposed}, {Booked: true, Exception: Asked}},
		Settled:      {{Booked: true, Tiyn: 5, Exception: Resolved, Way: Park}, {Booked: true, Exception: Archived, Way: Accept}},
	} {
		for _, s := range of {
			if got := StatusOf(s); got != want {
				t.Errorf("%+v: %s, want %s", s, got, want)
			}
		}
	}
}
