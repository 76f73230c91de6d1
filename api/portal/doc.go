// Package portal makes the pages that people see. In this slice it is one page: it shows whether a signed document or a
// receipt holds, and says in plain words who signed, with what authority, when, and what is covered.
//
// The page is rendered here completely and has no script. All that comes from a document or a certificate goes through
// html/template's contextual escaping; the policy of api's headers forbids whatever would still get through. Colours
// follow the reader's light or dark setting, and never carry a meaning alone.
//
// [Pages] does no I/O and is safe for concurrent use.
package portal
