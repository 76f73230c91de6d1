package pades

import (
	"slices"
	"strings"
	"unicode/utf8"

	"qaqpa/signer/pdf"
)

// limits reads what a signature allows to be changed later: as a certification (DocMDP) and by field (FieldMDP, Lock).
func (d *Document) limits(s *Signature, v pdf.View, dict *pdf.Dict, o found) {
	for i, r := range v.Array(dict.Get("Reference")) {
		if i == transformsMax {
			s.Permission, s.Locks = 1, append(s.Locks, Lock{})
			break
		}
		reference := v.Dict(r)
		params := v.Dict(reference.Get("TransformParams"))
		switch v.Name(reference.Get("TransformMethod")) {
		case "DocMDP":
			s.Permission = permission(v, params, 2) // ISO 32000-1 table 254: 2 is the default
		case "FieldMDP":
			s.Locks = append(s.Locks, d.lock(v, params, refNumber(o.value)))
		}
	}
	if o.lock != nil {
		s.Locks = append(s.Locks, d.lock(v, o.lock, o.holder))
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

// Limits of what is read of locks. Many signatures can share one long list, each with hundreds of references to it, so that the work would
// grow beyond what the file has octets for. What is beyond freezes all.
const (
	transformsMax = 8       // references of a signature; the standard knows four methods
	lockedMax     = 1 << 14 // names in all locks of a document
)

func (d *Document) lock(v pdf.View, dict *pdf.Dict, holder int) Lock {
	out := Lock{Action: string(v.Name(dict.Get("Action")))}
	for _, o := range v.Array(dict.Get("Fields")) {
		if d.lockNames++; d.lockNames > lockedMax {
			return Lock{}
		}
		raw := v.String(o)
		if raw == nil {
			continue
		}
		name := text(v.Text(raw, holder))
		if utf8.RuneCountInString(name) >= textMax { // it was cut, and would name another field
			return Lock{}
		}
		out.Fields = append(out.Fields, name)
	}
	return out
}

// Forbids tells whether a lock freezes a field. Naming a field names all below it, and freezes those above it, whose value it would take
// over. An action that is none freezes all.
func (l Lock) Forbids(field string) bool {
	named := slices.ContainsFunc(l.Fields, func(f string) bool { return f == field || strings.HasPrefix(field, f+".") })
	switch l.Action {
	case "Include":
		return named || slices.ContainsFunc(l.Fields, func(f string) bool { return strings.HasPrefix(f, field+".") })
	case "Exclude":
		return !named
	}
	return true
}

// freezes tells whether s locks what a later change did (ISO 32000-2 12.8.2.4: a field that a lock names does not permit changes after the
// signature is applied). The value of a field for signatures is the signature, so one that is empty stays so. A field for signatures that was
// not there when s was made is none of those that it locks: who may add one is for the certification to say.
func (d *Document) freezes(s *Signature, kind ChangeKind, field string) bool {
	switch kind {
	case ChangeForm:
	case ChangeSignature, ChangeVisible, ChangeTimeStamp:
		if s.Revision > 0 && len(s.Locks) > 0 && !d.namesAt(s.Revision)[field] {
			return false
		}
	case ChangeEvidence, ChangeStructure, ChangeMetadata, ChangeAnnotation, ChangeOther:
		return false
	}
	return slices.ContainsFunc(s.Locks, func(l Lock) bool { return l.Forbids(field) })
}

// namesAt are the full names of the fields that a revision has.
func (d *Document) namesAt(revision int) map[string]bool {
	names, known := d.names[revision]
	if !known {
		w := &finder{view: d.File.At(revision - 1), visited: map[int]bool{}, names: map[string]bool{}}
		w.form()
		names, d.names[revision] = w.names, w.names
	}
	return names
}
