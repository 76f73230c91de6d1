package mandate

import "fmt"

// Kind of a notice.
type Kind string

// What is noticed, and the events of an agreement.
const (
	Created Kind = "created"
	Signed  Kind = "signed"
	Used    Kind = "used"
	Revoked Kind = "revoked"
)

// Use is what a notice tells of a payment under an agreement.
type Use struct {
	// Amount is written for people.
	Amount string
	// Whom is the name of the first beneficiary, Others how many further ones there are.
	Whom   string
	Others int
}

// whom names the first beneficiary and counts the others: one who is not told of must not look as if he got nothing.
func (u Use) whom(at int) string {
	if u.Others <= 0 {
		return u.Whom
	}
	return fmt.Sprintf([3]string{"%s және тағы %d алушы", "%s и ещё %d", "%s and %d more"}[at], u.Whom, u.Others)
}

// Text is the notice to the payer's phone. lang is kk, ru or en; another means kk.
func Text(kind Kind, lang string, use Use) string {
	texts := map[Kind][3]string{
		Signed: {
			"Тұрақты төлемдер келісіміне қол қойылды. Егер бұл сіз болмасаңыз, оны бірден тоқтатыңыз.",
			"Подписано соглашение о повторяющихся платежах. Если это не вы, сразу отзовите его.",
			"An agreement for repeated payments was signed. If it was not you, revoke it at once.",
		},
		Used: {
			"Келісім бойынша %s ₸ төлем банкке жіберілді, алушы: %s.",
			"По соглашению в банк отправлен платёж %s ₸, получатель: %s.",
			"A payment of %s KZT to %s went to the bank under your agreement.",
		},
		Revoked: {
			"Тұрақты төлемдер келісімі тоқтатылды.",
			"Соглашение о повторяющихся платежах отозвано.",
			"The agreement for repeated payments was revoked.",
		},
	}
	at := 0
	switch lang {
	case "ru":
		at = 1
	case "en":
		at = 2
	}
	if kind == Used {
		return fmt.Sprintf(texts[kind][at], use.Amount, use.whom(at))
	}
	return texts[kind][at]
}
