// Package pgarray writes arrays in PostgreSQL's binary form, as a []byte parameter of a connection with
// binary_parameters=yes carries it. Against the text form it saves quoting, hexadecimal digits, and their reading on the
// server: about half of the bytes of a batch that holds documents.
//
// The form is that of array_send: number of dimensions, whether there are NULLs, the element's type, length and lower bound,
// then each element with its length before it; NULL has length -1. The parameter's type must be stated in the statement,
// such as $1::text[].
package pgarray

import (
	"encoding/binary"
	"time"
)

// Object ids of the element types, fixed in PostgreSQL's pg_type.dat.
const (
	oidBytea       = 17
	oidInt8        = 20
	oidInt4        = 23
	oidText        = 25
	oidTimestamptz = 1184
)

// header starts an array of n elements of about size bytes each.
func header(oid uint32, n, size int, nulls bool) []byte {
	b := make([]byte, 0, 20+n*(4+size))
	dimensions, hasNull := uint32(1), uint32(0)
	if n == 0 {
		dimensions = 0
	}
	if nulls {
		hasNull = 1
	}
	b = binary.BigEndian.AppendUint32(b, dimensions)
	b = binary.BigEndian.AppendUint32(b, hasNull)
	b = binary.BigEndian.AppendUint32(b, oid)
	if n == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // a batch is far below 2^31
	return binary.BigEndian.AppendUint32(b, 1)
}

// Int4s is an integer[]. Values beyond 32 bits are cut: callers pass buckets, versions and counters, which the columns bound.
func Int4s(list []int64) []byte {
	b := header(oidInt4, len(list), 4, false)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, 4)
		b = binary.BigEndian.AppendUint32(b, uint32(v)) //nolint:gosec // two's complement, as int4 has it
	}
	return b
}

// Int8s is a bigint[].
func Int8s(list []int64) []byte {
	b := header(oidInt8, len(list), 8, false)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, uint64(v)) //nolint:gosec // two's complement, as int8 has it
	}
	return b
}

// Texts is a text[]. PostgreSQL refuses texts that are not UTF-8 or hold a zero byte.
func Texts[S ~string](list []S) []byte {
	size := 0
	for _, v := range list {
		size += len(v)
	}
	b := header(oidText, len(list), size/max(len(list), 1)+1, false)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v))) //nolint:gosec // texts are bounded
		b = append(b, v...)
	}
	return b
}

// Byteas is a bytea[].
func Byteas(list [][]byte) []byte {
	size := 0
	for _, v := range list {
		size += len(v)
	}
	b := header(oidBytea, len(list), size/max(len(list), 1)+1, false)
	for _, v := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v))) //nolint:gosec // documents are bounded
		b = append(b, v...)
	}
	return b
}

// epoch is PostgreSQL's.
const epochMicros = 946_684_800_000_000

// Times is a timestamptz[] of microseconds; nil is NULL.
func Times(list []*time.Time) []byte {
	nulls := false
	for _, v := range list {
		nulls = nulls || v == nil
	}
	b := header(oidTimestamptz, len(list), 8, nulls)
	for _, v := range list {
		if v == nil {
			b = binary.BigEndian.AppendUint32(b, 0xffffffff)
			continue
		}
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint64(b, uint64(v.UnixMicro()-epochMicros)) //nolint:gosec // two's complement
	}
	return b
}
