package main

import (
	"errors"

	"qaqpa/signer"
	"qaqpa/signer/sealing"
)

// xadesSettings say how a XAdES signature is made.
type xadesSettings struct {
	Level     string `enum:"B,T,LT,LTA" default:"B" help:"XAdES level: ${enum}. Above B it needs --tsa."`
	Packaging string `enum:"enveloped,enveloping,detached" default:"enveloped" help:"Where the signature stands: ${enum}. Enveloped takes an XML document, the others any file."`
	Element   string `placeholder:"ID" help:"enveloped: sign the element with this identifier instead of the whole document."`
	Name      string `help:"detached: what the signature calls the document, such as its file name."`
	MIME      string `name:"mime" placeholder:"TYPE" help:"Kind of the document, such as application/pdf."`
}

var errXAdESOptions = errors.New("--xades-level and its like go with --format=xades")

// check refuses options that would have no effect.
func (x *xadesSettings) check(format string) error {
	usual := xadesSettings{Level: string(sealing.B), Packaging: string(sealing.Enveloped)}
	switch {
	case format != formatXAdES && *x != usual:
		return errXAdESOptions
	case x.Element != "" && x.Packaging != string(sealing.Enveloped):
		return errors.New("--xades-element goes with --xades-packaging=enveloped")
	case x.Name != "" && x.Packaging != string(sealing.Detached):
		return errors.New("--xades-name goes with --xades-packaging=detached")
	}
	return nil
}

func (x *xadesSettings) options(tsaPolicy string) signer.XAdESOptions {
	return signer.XAdESOptions{
		Packaging: sealing.Packaging(x.Packaging), Level: sealing.Level(x.Level), Element: x.Element, Name: x.Name, MIMEType: x.MIME,
		TSAPolicy: tsaPolicy,
	}
}
