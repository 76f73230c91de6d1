package pades

import (
	"slices"
	"strings"

	"qaqpa/signer/pdf"
)

// limits reads what a signature allows to be changed later: as a certification (DocMDP) and by field (FieldMDP, Lock).
func (s *Signature) limits(v pdf.View, dict *pdf.Dict, o found) {
	for _, r := range v.Array(dict.Get("Reference")) {
		reference := v.Dict(r)
		params := v.Dict(reference.Get("TransformParams"))
		switch v.Name(reference.Get("TransformMethod")) {
		case "DocMDP":
			s.Permission = permission(v, params, 2) // ISO 32000-1 table 254: 2 is the default
		case "FieldMDP":
			s.Locks = append(s.Locks, lock(v, params, refNumber(o.value)))
		}
	}
	if o.lock != nil {
		s.Locks = append(s.Locks, lock(v, o.lock, o.holder))
		// A lock may take more than the fields (ISO 32000-2 table 236): it binds like a certification.
		if o.lock.Has("P") {
			if p := permission(v, o.lock, 0); p > 0 && (s.Permission == 0 || p < s.Permission) {
				s.Permission = p
			}
		}
	}
}

// permission reads P; what is none of 1, 2, 3 allows nothing.
func permission(v pdf.View, d *pdf.Dict, missing int) int {
	if !d.Has("P") {
		return missing
	}
	if p, ok := v.Integer(d.Get("P")); ok && p >= 1 && p <= 3 {
		return int(p)
	}
	return 1
}

func lock(v pdf.View, d *pdf.Dict, holder int) Lock {
	out := Lock{Action: string(v.Name(d.Get("Action")))}
	for _, o := range v.Array(d.Get("Fields")) {
		if name := v.String(o); name != nil && len(out.Fields) < fieldsMax {
			out.Fields = append(out.Fields, text(v.Text(name, holder)))
		}
	}
	return out
}

// Forbids tells whether a lock freezes a field. Naming a field names all below it. An action that is none freezes all.
func (l Lock) Forbids(field string) bool {
	named := slices.ContainsFunc(l.Fields, func(f string) bool { return f == field || strings.HasPrefix(field, f+".") })
	switch l.Action {
	case "Include":
		return named
	case "Exclude":
		return !named
	}
	return true
}
