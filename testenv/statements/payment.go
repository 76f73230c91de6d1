package statements

import (
	"fmt"
	"time"
)

// Payment is one executed payment, as the gateway knows it.
type Payment struct {
	// Ref is the gateway's reference, UIP the number of the charge, Batch the reference under which the bank may book several at once.
	Ref, UIP, Batch string
	// Tiyn is the amount.
	Tiyn int64
	// Day is the banking day, midnight UTC.
	Day time.Time
	// Payer, its number, account and bank.
	PayerName, PayerID, PayerAccount, PayerBIC string
	KBK, KNP                                   string
}

// Source gives payments by index, ordered by day. It has to give the same payment each time.
type Source interface {
	Len() int
	Payment(i int) Payment
}

// mix is the finaliser of SplitMix64: it makes a good random number of seed and position.
func mix(seed, i uint64) uint64 {
	z := seed + i*0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	return z ^ (z >> 31)
}

// invented makes payments of nobody: names of no one, numbers with valid check digits.
type invented struct {
	seed    uint64
	count   int
	perDay  int
	persons int
	from    time.Time
}

func (v invented) Len() int { return v.count }

var (
	surnames = []string{"ОБРАЗЦОВА", "ТЕСТОВ", "ПРИМЕРОВ", "ҮЛГІБАЕВ", "СЫНАҚОВ", "НҰСҚАБЕКОВА", "МЫСАЛОВ", "ШАБЛОНОВ"}
	names    = []string{"АЙГҮЛ", "СЕРІК", "АЛИ", "ДАНА", "ЕРЛАН", "МАРИЯ", "ИВАН", "ӘСЕЛ"}
	banks    = []struct{ code, bic string }{{"601", "HSBKKZKX"}, {"856", "KCJBKZKX"}, {"722", "CASPKZKA"}}
	kbks     = []string{"108125", "108126", "101201"}
	knps     = []string{"911", "912"}
	duties   = []int64{86500, 216300, 432500, 540600, 865000, 1730000, 3460000, 5190000}
)

// Payment makes the payment of an index.
func (v invented) Payment(i int) Payment {
	h := mix(v.seed, uint64(i))
	person := int(h>>8) % v.persons
	if person < 0 {
		person += v.persons
	}
	p := Payment{
		Ref: refOf(i), UIP: uipOf(i), Batch: fmt.Sprintf("BTCH%09d", i/batchOf),
		Day:  v.from.AddDate(0, 0, i/v.perDay),
		Tiyn: duties[h%8], KBK: kbks[(h>>40)%3], KNP: knps[(h>>44)%2],
	}
	if (h>>48)%4 == 0 {
		p.Tiyn += int64((h >> 52) % 100000) // a part of a debt, in tiyn
	}
	v.payer(&p, person)
	return p
}

// batchOf is how many payments of the gateway share a batch reference at most; merged pairs lie within.
const batchOf = 100

// refOf and uipOf are one to one: the multiplier has no factor in common with 10¹⁰.
func refOf(i int) string { return fmt.Sprintf("PSHEP%09d", i) }

func uipOf(i int) string {
	return fmt.Sprintf("26%010d", (uint64(i)*7368787+1234567891)%10_000_000_000)
}

func (v invented) payer(p *Payment, person int) {
	h := mix(v.seed^0x5EED, uint64(person))
	b := banks[h%3]
	p.PayerName = surnames[(h>>8)%8] + " " + names[(h>>16)%8]
	p.PayerID = personID(person)
	p.PayerBIC = b.bic
	p.PayerAccount = iban(b.code, fmt.Sprintf("%013d", (h>>20)%10_000_000_000_000))
}

// personID makes the n-th 12-digit number whose control digit is right; bases whose control would be 10 twice are passed over.
func personID(n int) string {
	for base := 50010130000 + n*10; ; base++ {
		digits := fmt.Sprintf("%011d", base)
		sum := func(shift int) int {
			s := 0
			for i := range 11 {
				s += int(digits[i]-'0') * ((i+shift)%11 + 1)
			}
			return s % 11
		}
		c := sum(0)
		if c == 10 {
			c = sum(2)
		}
		if c < 10 {
			return digits + string(rune('0'+c))
		}
	}
}

// iban computes the check digits of an account of Kazakhstan (ISO 13616).
func iban(code, number string) string {
	rest := 0
	for _, c := range code + number + "2035" + "00" { // K = 20, Z = 35
		rest = (rest*10 + int(c-'0')) % 97
	}
	return fmt.Sprintf("KZ%02d%s%s", 98-rest, code, number)
}
