// Package pdf reads the structure of PDF files (ISO 32000-1, ISO 32000-2) and writes incremental updates: objects,
// cross-reference tables and streams, object streams, revisions, encryption that needs no password. It does not render and
// knows nothing of pages.
//
// [Open] reads the cross-reference sections; objects are read when a [View] is asked for them. A View is the file as it was
// in one revision: what a signature covers is a revision, so the file that was signed can be compared with the file that is.
// Octets behind a revision's end never give an object of that revision.
//
// # Strictness
//
// Programs mend broken files in different ways, and whoever forges a signed file lives on the difference. So this reader
// takes what readers agree about, and tells every departure from the rules as a [Fault]; it is for the caller to decide what a
// fault costs. What cannot be read is null. A file whose sections are unusable is searched for objects (FaultRebuilt) and has
// no revision with an end then, which no signature can cover.
//
// # Attacks, and what stops them
//
//   - Sections in a cycle, a section before its predecessor, an object in its own stream, a length that needs its stream: each is
//     remembered while it is read.
//   - Numbers of entries that no octets stand for, filters in chains, streams of 64 kB that inflate to gigabytes, depth of nesting:
//     [Limits], for the file as a whole and not only for a part of it.
//   - A signed section that leads to unsigned octets: objects end where their revision ends.
//   - Table and stream of a hybrid section with different objects, doubled entries and keys, other generations, lengths that are
//     wrong: faults.
//   - Octets before %PDF-, which make a file a document of two formats: refused.
//
// # Deviations
//
//   - LZWDecode and the TIFF predictor are not decoded: structural streams do not use them. Such a stream is a fault.
//   - Security handlers other than the standard one, and documents with a user password, stay closed ([ErrLocked]).
package pdf
