// Package pack keeps the texts of verdicts small. Most of a verdict is names that all verdicts have, so it is compressed
// against a text of such names: a verdict of five kilobytes becomes one of less than one, and fits beside its row.
//
// What is kept is a frame of Zstandard (RFC 8878) with a dictionary of its own number and a checksum. A number and its
// bytes may never change, for rows of long ago name it; a better dictionary gets the next number.
package pack
