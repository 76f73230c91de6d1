// Package money holds amounts of money as whole minor units with their currency.
//
// An [Amount] is an int64 number of tiyn (1 KZT = 100 tiyn) and a currency code. There are no floats and no
// decimal types on the way: arithmetic is checked for overflow and refuses to mix currencies, and the one place
// where fractions appear, a rate times a base, takes a named [Rounding] so that a receipt can state how the sum
// came about.
//
// All values are immutable and safe for concurrent use.
package money
