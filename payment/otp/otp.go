package otp

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
)

// Bounds of a code.
const (
	// TTL is how long a code lives.
	TTL = 5 * time.Minute
	// TriesMax is how many wrong tries kill it: a guesser hits one of a million codes with five.
	TriesMax = 5
	// PerSubjectMax is how many codes are sent for one order.
	PerSubjectMax = 3
	// PerDayMax is how many codes are sent to one person within 24 hours: a message costs money and patience.
	PerDayMax = 10
)

const (
	digits     = 6
	iterations = 20_000
	digestLen  = 32
	// SaltLen is the length of a salt in bytes.
	SaltLen = 16
)

// ErrPhone says that a text is no mobile number of Kazakhstan.
var ErrPhone = errors.New("not a mobile number: +7 and ten digits, the first of them 7")

// NewCode draws six digits, each code as likely as any other.
func NewCode(random io.Reader) (string, error) {
	const wide = 8 // bytes: 2^64 mod 10^6 leaves no bias worth a thought
	var raw [wide]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("couldn't draw a code: %w", err)
	}
	n := new(big.Int).Mod(new(big.Int).SetBytes(raw[:]), big.NewInt(1_000_000))
	return fmt.Sprintf("%06d", n.Int64()), nil
}

// Digest is what is kept of a code. It is bound to its subject, the order or the phone that the code is for.
func Digest(salt []byte, subject, code string) ([]byte, error) {
	sum, err := pbkdf2.Key(sha256.New, subject+"\x00"+code, salt, iterations, digestLen)
	if err != nil {
		return nil, fmt.Errorf("couldn't digest a code: %w", err)
	}
	return sum, nil
}

// Matches compares a code, as a person typed it, with what was kept. The time that it takes says nothing about where they differ.
func Matches(digest, salt []byte, subject, code string) (bool, error) {
	code = strings.Join(strings.Fields(code), "")
	if len(code) != digits {
		return false, nil
	}
	sum, err := Digest(salt, subject, code)
	return subtle.ConstantTimeCompare(sum, digest) == 1, err
}

// ParsePhone reads a mobile number of Kazakhstan as people write it: +7 701 123-45-67, 8 (701) 1234567. The result is +77011234567.
func ParsePhone(text string) (string, error) {
	const textMax = 32
	if len(text) > textMax {
		return "", ErrPhone
	}
	var number strings.Builder
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9':
			number.WriteRune(c)
		case c == '+' && i == 0, c == ' ', c == '-', c == '(', c == ')':
		default:
			return "", ErrPhone
		}
	}
	plain := number.String()
	if len(plain) != 11 || (plain[0] != '7' && plain[0] != '8') || plain[1] != '7' {
		return "", ErrPhone
	}
	return "+7" + plain[1:], nil
}

// Mask leaves of a phone what its owner knows it by.
func Mask(phone string) string {
	const head, tail = 2, 2
	if len(phone) < head+tail {
		return phone
	}
	return phone[:head] + strings.Repeat("•", len(phone)-head-tail) + phone[len(phone)-tail:]
}

// Policy says which payments may be authorised by a code. It is law as data.
type Policy struct {
	// AmountMax is the largest order, DayMax the largest sum of one person and day, in tiyn.
	AmountMax, DayMax int64
}

// Allows reports whether an order of tiyn may be authorised by a code by somebody who has done so for spent today.
func (p Policy) Allows(tiyn, spent int64) bool {
	return tiyn > 0 && spent >= 0 && tiyn <= p.AmountMax && spent <= p.DayMax && tiyn <= p.DayMax-spent
}

// Text is the message that carries a code for a payment: what it is for stands in it, so that nobody confirms another payment than he
// means. more is how many beneficiaries there are beside whom: a payment over several names the first and says so. lang is kk, ru or en; another means ru.
func Text(lang, code, amount, whom string, more int) string {
	if more > 0 {
		whom += andMore(lang, more)
	}
	switch lang {
	case "kk":
		return fmt.Sprintf("Төлем коды: %s. Сомасы %s ₸, алушы: %s. Кодты ешкімге айтпаңыз.", code, amount, whom)
	case "en":
		return fmt.Sprintf("Payment code: %s. Amount %s KZT, to: %s. Tell it to nobody.", code, amount, whom)
	}
	return fmt.Sprintf("Код платежа: %s. Сумма %s ₸, получатель: %s. Никому его не сообщайте.", code, amount, whom)
}

// andMore says in each language that there are others; the Russian number has one form for all counts ("и ещё 2").
func andMore(lang string, more int) string {
	switch lang {
	case "kk":
		return fmt.Sprintf(" және тағы %d алушы", more)
	case "en":
		return fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf(" и ещё %d", more)
}

// SignInText is the message that carries a code to sign in.
func SignInText(lang, code string) string {
	switch lang {
	case "kk":
		return fmt.Sprintf("qaqpa-ға кіру коды: %s. Егер кірген сіз болмасаңыз, елемеңіз. Кодты ешкімге айтпаңыз.", code)
	case "en":
		return fmt.Sprintf("Code to sign in to qaqpa: %s. If it is not you, ignore it. Tell it to nobody.", code)
	}
	return fmt.Sprintf("Код для входа в qaqpa: %s. Если входите не вы, не обращайте внимания. Никому его не сообщайте.", code)
}

// PhoneText is the message that carries a code to a phone whose owner has to show that it is his.
func PhoneText(lang, code string) string {
	switch lang {
	case "kk":
		return fmt.Sprintf("Телефонды растау коды: %s. Кодты ешкімге айтпаңыз.", code)
	case "en":
		return fmt.Sprintf("Code to confirm your phone: %s. Tell it to nobody.", code)
	}
	return fmt.Sprintf("Код подтверждения телефона: %s. Никому его не сообщайте.", code)
}
