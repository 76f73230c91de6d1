package register

import (
	"fmt"
	"io"

	"qaqpa/payment/statement"
)

// Format names how a register is written. Its values are part of the interface and never change.
type Format string

// Formats.
const (
	Pain001 Format = "pain.001"
	Pacs008 Format = "pacs.008"
	MT102   Format = "mt102"
	OneC    Format = "1c"
	CSV     Format = "csv"
	XLSX    Format = "xlsx"
)

// Formats lists all formats.
func Formats() []Format { return []Format{Pain001, Pacs008, MT102, OneC, CSV, XLSX} }

// MediaType and Extension are those of a file in the format.
func (f Format) MediaType() string {
	switch f {
	case Pain001, Pacs008:
		return "application/xml"
	case CSV:
		return "text/csv; charset=utf-8"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case MT102, OneC:
	}
	return "text/plain"
}

// Extension is what the name of a file in the format ends with.
func (f Format) Extension() string {
	switch f {
	case Pain001, Pacs008:
		return "xml"
	case CSV:
		return "csv"
	case XLSX:
		return "xlsx"
	case MT102, OneC:
	}
	return "txt"
}

// Options steer a writer. Zero fields take the defaults.
type Options struct {
	// Charset of MT102 and 1C: kz-1048 by default for MT102, which is windows-1251 byte for byte wherever there are no Kazakh letters, UTF-8
	// with a byte order mark for 1C. Kazakh letters exist in neither windows-1251 nor cp866.
	Charset statement.Charset
	// PacketMax is how many payments an MT102 has at most, PacketTiynMax their sum; 50 and 5,000,000 tenge by default.
	PacketMax     int
	PacketTiynMax int64
}

func (o Options) withDefaults() Options {
	if o.PacketMax <= 0 {
		o.PacketMax = 50
	}
	if o.PacketTiynMax <= 0 {
		o.PacketTiynMax = 5_000_000_00
	}
	return o
}

// Write writes the register to w. Errors: [ErrInvalid] (as a [*PaymentError] where one payment is to blame), those of [Register.Sum],
// and those of w, behind which w holds the beginning of a file.
func Write(w io.Writer, f Format, r *Register, o Options) error {
	if err := r.check(f); err != nil {
		return err
	}
	sum, err := r.Sum()
	if err != nil {
		return err
	}
	o = o.withDefaults()
	switch f {
	case Pain001:
		return writePain001(w, r, sum)
	case Pacs008:
		return writePacs008(w, r, sum)
	case MT102:
		return writeMT102(w, r, o)
	case OneC:
		return writeOneC(w, r, sum, o)
	case CSV, XLSX:
		net, err := r.net(sum)
		if err != nil {
			return err
		}
		if f == CSV {
			return writeCSV(w, r, net)
		}
		return writeXLSX(w, registerSheet(r, net))
	}
	return fmt.Errorf("couldn't write a register as %q: %w", string(f), ErrInvalid)
}
