package xmldsig_test

import (
	"fmt"

	"qaqpa/signer/xmldsig"
	"qaqpa/signer/xmltree"
)

// A document is read once; what it covers, and the very octets, come from the same tree as the verdict.
func Example() {
	document := `<order><sum>5406.00</sum>` + unsigned(reference("", transform(xmldsig.TransformEnveloped, ""))) + `</order>`
	tree, err := xmltree.Parse([]byte(document), xmltree.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	doc, err := xmldsig.Open(tree, xmldsig.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	work := doc.NewWork()
	for _, s := range doc.Signatures {
		checked := s.Check(xmldsig.Inputs{Work: work})
		for _, o := range checked.References {
			fmt.Println(o.Scope, o.Check.Status)
		}
		fmt.Println(checked.Checks().Worst().Detail)
	}
	// Output:
	// FULL / without /order/ds:Signature failed
	// reference to the document: the content is not what was signed
}
