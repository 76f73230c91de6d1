//go:build !release

package main

import (
	"fmt"

	"qaqpa/testenv/pki"
)

// people are the parties that hold keys of their own.
type people struct {
	citizen, neighbour *pki.Identity // GOST R 34.10-2015, as the national CA issues today
	head, employee     *pki.Identity // of one company
	bank, otherBank    *pki.Identity
}

// meet issues the certificates of the parties, or finds those of the last time.
func meet(p *pki.PKI) (people, error) {
	var found people
	for _, who := range []struct {
		id      **pki.Identity
		profile pki.Profile
	}{
		{&found.citizen, pki.Profile{Name: "citizen", Family: pki.GOST2015, Kind: pki.Citizen, Surname: "СЕЙТҚАЛИЕВА", Given: "АЙГҮЛ", Patronymic: "ҚАНАТҚЫЗЫ", IIN: pki.IIN(1)}},
		{&found.neighbour, pki.Profile{Name: "neighbour", Family: pki.GOST2015, Kind: pki.Citizen, Surname: "ОМАРОВ", Given: "ЕРБОЛ", Patronymic: "ТАЛҒАТҰЛЫ", IIN: pki.IIN(2)}},
		{&found.head, pki.Profile{Name: "head", Family: pki.GOST2015, Kind: pki.Employee, Role: pki.Head, Surname: "ЖҮНІСОВ", Given: "ДӘУРЕН", IIN: pki.IIN(3), Organisation: "ЖШС «Өрлеу»", BIN: pki.BIN(1)}},
		{&found.employee, pki.Profile{Name: "employee", Family: pki.GOST2015, Kind: pki.Employee, Role: pki.Staff, Surname: "ӘБДІРОВА", Given: "ГҮЛНАР", IIN: pki.IIN(4), Organisation: "ЖШС «Өрлеу»", BIN: pki.BIN(1)}},
		{&found.bank, pki.Profile{Name: "bank", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "KOPIR", Organisation: "АО «Көпір Банк»", BIN: pki.BIN(bankNumber)}},
		{&found.otherBank, pki.Profile{Name: "other-bank", Family: pki.ECDSA, Kind: pki.InformationSystem, SystemName: "BASQA", Organisation: "АО «Басқа Банк»", BIN: pki.BIN(bankNumber + 10)}},
	} {
		id, err := p.IssueOnce(who.profile)
		if err != nil {
			return people{}, fmt.Errorf("couldn't issue the certificate of the %s: %w", who.profile.Name, err)
		}
		*who.id = id
	}
	return found, nil
}
