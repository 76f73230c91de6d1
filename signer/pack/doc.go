// Package pack keeps the texts of verdicts small. Most of a verdict is names that all verdicts have, so it is compressed
// against a text of such names: a verdict of five kilobytes becomes one of little more than one, and fits beside its row.
//
// What is kept is a block of S2 (an extension of Snappy) behind a mark that names the dictionary, and a checksum (CRC-32C). A number and its
// bytes may never change, for rows of long ago name it; a better dictionary gets the next number. Frames of Zstandard (RFC 8878), as they were made
// before, are read for ever: they took two thirds of the space and six times the time, most of it for copying the encoder's tables.
package pack
