// Package revoked keeps the lists of revoked certificates that authorities publish: tens of megabytes, half a million
// entries, anew every day, with lists of changes every half hour. It fetches them in the background, checks them, and has
// them at hand when a certificate is judged, whether the network is up or not.
//
// It decides nothing about a certificate. [Store.CRLs] gives the lists to package path, which judges scope, age and delta;
// [Store.Lookup] is for those who want to know what the lists say, at once and without a verdict.
//
// # What it promises
//
//   - A list is used only after its octets have been hashed, read and verified with the key of a known authority, and the
//     octets that are used are those that were verified: they are held in memory. A mapped file would save them there, but
//     could change afterwards, or fail to be read in the middle of a verdict.
//   - Readers never wait: they load one pointer. A new list is complete, and safe on disk, before it takes the
//     place of the old one.
//   - A list never gives way to an older or equal one, to one of another authority, or to one that has lost most of its entries
//     ([Store.Vouch] admits such a list after a person has looked at it). What is refused is counted and logged, and the
//     old list stays.
//   - A list from an address of deltas is never a base, and the other way round. The national authority numbers bases and deltas
//     apart, so the two are never compared by number.
//
// # Memory
//
// A list costs its own octets and twelve more for each entry: eight of an index by serial number here, four of the index
// that package pkix keeps. While a list is fetched it goes to disk in pieces; besides the index, a window of 256 KiB is in
// memory until the signature has been verified.
//
// # Evidence
//
// A verdict names a list by its SHA-256. The list itself is kept once: in the folder for Config.KeepFor ([Store.Kept]), and
// where Config.Archive puts it. An [Extract] is what a list says about one certificate in some hundred octets, for reports
// and audit; [Extract.Check] proves it against the list.
//
// # The folder
//
// lists/SHA256.crl are lists, state.json says which of them is current for which point, lock is held by the
// process that uses the folder. Files are written beside their place, synced, renamed and the folder synced, lists before the state that names
// them. What a crash leaves behind is therefore a part file or a list that no state names; both are swept. When
// the store is opened each list is verified again as if it came from the network.
//
// # Concurrency
//
// All methods are safe for concurrent use.
package revoked
