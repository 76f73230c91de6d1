package paper

import (
	"fmt"
	"strings"
	"time"

	"qaqpa/signer/report"
)

// The words of the plain part. Those of reasons stand in package report.
var plainWords = map[string]report.Text{
	"report": {KK: "Қолтаңбаны тексеру туралы есеп", RU: "Отчёт о проверке подписи", EN: "Report on the validation of a signature"},

	"passed":  {KK: "Қолтаңба жарамды", RU: "Подпись действительна", EN: "The signature holds"},
	"failed":  {KK: "Қолтаңба жарамсыз", RU: "Подпись недействительна", EN: "The signature does not hold"},
	"unclear": {KK: "Әзірге анықталмады", RU: "Пока не установлено", EN: "Not decided"},
	"partial": {KK: "Тек бір бөлігіне қол қойылған", RU: "Подписана только часть", EN: "Only a part is signed"},
	"absent":  {KK: "Қолтаңба табылмады", RU: "Подпись не найдена", EN: "No signature was found"},

	"passed.text": {
		KK: "Құжат өзгермеген, қол қоюшының куәлігі жарамды.", RU: "Документ не изменён, сертификат подписавшего действителен.",
		EN: "The document is unchanged and the signer's certificate is valid.",
	},
	"failed.text": {KK: "Бұл құжатқа сенуге болмайды.", RU: "На этот документ полагаться нельзя.", EN: "This document must not be relied on."},
	"unclear.text": {
		KK: "Қолдағы деректер қолтаңбаны растауға да, жоққа шығаруға да жетпейді. Бұл — «жарамды» дегенді білдірмейді.",
		RU: "Имеющихся данных не хватает ни чтобы подтвердить подпись, ни чтобы опровергнуть. Это не значит «действительна».",
		EN: "What is at hand neither proves the signature nor disproves it. This does not mean that it holds.",
	},
	"partial.text": {
		KK: "Қолтаңба жарамды, бірақ ол бүкіл құжатты қамтымайды. Төменде қол қойылған деп көрсетілмеген мазмұнды кез келген адам өзгертуі немесе қосуы мүмкін еді.",
		RU: "Подпись действительна, но охватывает не весь документ. Всё, что не указано ниже как подписанное, мог изменить или добавить кто угодно.",
		EN: "The signature holds, but not over the whole document. What is not listed below as covered may have been changed or added by anybody.",
	},
	"absent.text": {
		KK: "Бұл файлдан тексеретін қолтаңба оқылмады, сондықтан ештеңе расталмайды.",
		RU: "В этом файле не удалось прочитать подпись, поэтому подтвердить нечего.",
		EN: "No signature could be read from this file, so there is nothing to confirm.",
	},

	"stamp.passed":  {KK: "Уақыт белгісі жарамды", RU: "Метка времени действительна", EN: "The time stamp holds"},
	"stamp.failed":  {KK: "Уақыт белгісі жарамсыз", RU: "Метка времени недействительна", EN: "The time stamp does not hold"},
	"stamp.unclear": {KK: "Уақыт белгісі әзірге анықталмады", RU: "По метке времени пока не установлено", EN: "The time stamp is not decided"},
	"stamp.passed.text": {
		KK: "Берілген деректер төменде көрсетілген уақытта болған. Оларға кімнің қол қойғанын уақыт белгісі айтпайды.",
		RU: "Переданные данные существовали в указанное ниже время. Кто их подписал, метка времени не говорит.",
		EN: "The data existed at the time that stands below. A time stamp does not say who signed them.",
	},
	"stamp.failed.text": {KK: "Бұл уақытқа сенуге болмайды.", RU: "На это время полагаться нельзя.", EN: "This time must not be relied on."},
	"stamp.unclear.text": {
		KK: "Қолдағы деректер уақыт белгісін растауға да, жоққа шығаруға да жетпейді.",
		RU: "Имеющихся данных не хватает ни чтобы подтвердить метку времени, ни чтобы опровергнуть.",
		EN: "What is at hand neither proves the time stamp nor disproves it.",
	},
	"stamp":       {KK: "Уақыт белгісі", RU: "Метка времени", EN: "Time stamp"},
	"stamp.by":    {KK: "Кім берген", RU: "Кто выдал", EN: "Issued by"},
	"stamp.proof": {KK: "Дәлелденген уақыт", RU: "Доказанное время", EN: "Proven time"},

	"custom": {
		KK: "Бұл шлюз өз операторы таңдаған куәландырушы орталықтарға сенеді.",
		RU: "Этот шлюз доверяет удостоверяющим центрам, которые выбрал его оператор.",
		EN: "This gateway trusts the certification authorities that its operator chose.",
	},
	"more": {
		KK: "Тағы %d қолтаңба бар; олар JSON есебінде.", RU: "Есть ещё подписи (%d); они — в отчёте JSON.", EN: "There are %d more signatures; the JSON report has them.",
	},
	"at":      {KK: "Тексерілген уақыты", RU: "Время проверки", EN: "Checked"},
	"number":  {KK: "Қорытынды нөмірі", RU: "Номер заключения", EN: "Number of the verdict"},
	"details": {KK: "Сарапшыға арналған есеп", RU: "Отчёт для эксперта", EN: "The expert's report"},
	"page":    {KK: "бет", RU: "страница", EN: "page"},

	"signature":    {KK: "Қолтаңба", RU: "Подпись", EN: "Signature"},
	"signature.of": {KK: "%d-қолтаңба, барлығы %d", RU: "Подпись %d из %d", EN: "Signature %d of %d"},
	"holds":        {KK: "жарамды", RU: "действительна", EN: "holds"},
	"holds.not":    {KK: "жарамсыз", RU: "недействительна", EN: "does not hold"},
	"undecided":    {KK: "анықталмады", RU: "не установлено", EN: "not decided"},

	"who":         {KK: "Кім қол қойды", RU: "Кто подписал", EN: "Who signed"},
	"who.unknown": {KK: "Белгісіз: қолтаңбада куәлік жоқ", RU: "Неизвестно: в подписи нет сертификата", EN: "Unknown: the signature has no certificate"},
	"who.unconfirmed": {
		KK: "Бұл аты-жөн расталмаған: қолтаңбада осылай жазылған, бірақ дәлелденген жоқ.",
		RU: "Имя не подтверждено: так написано в подписи, но это не доказано.",
		EN: "The name is not confirmed: the signature says so, but it is not proven.",
	},
	"kind.person":             {KK: "Жеке тұлға", RU: "Физическое лицо", EN: "Individual"},
	"kind.organisation":       {KK: "Ұйымның қызметкері", RU: "Представитель организации", EN: "For an organisation"},
	"kind.information_system": {KK: "Ақпараттық жүйе", RU: "Информационная система", EN: "Information system"},
	"iin":                     {KK: "ЖСН", RU: "ИИН", EN: "IIN"},
	"bin":                     {KK: "БСН", RU: "БИН", EN: "BIN"},
	"organisation":            {KK: "Ұйым", RU: "Организация", EN: "Organisation"},
	"authority":               {KK: "Өкілеттігі", RU: "Полномочия", EN: "Authority"},
	"authority.none":          {KK: "Куәлікте көрсетілмеген", RU: "В сертификате не указаны", EN: "The certificate states none"},
	"when":                    {KK: "Қашан", RU: "Когда", EN: "When"},
	"when.proven":             {KK: "%s — уақыт белгісімен дәлелденген", RU: "%s — доказано меткой времени", EN: "%s — proven by a time stamp"},
	"when.claimed":            {KK: "%s — қол қоюшының өз айтуы бойынша, дәлелденбеген", RU: "%s — со слов подписавшего, не доказано", EN: "%s — as the signer states; not proven"},
	"when.unknown":            {KK: "Көрсетілмеген", RU: "Не указано", EN: "Not stated"},
	"covers":                  {KK: "Қол қойылған мазмұн", RU: "Что подписано", EN: "What is covered"},
	"covers.content":          {KK: "Файл ішіндегі құжат тұтас", RU: "Документ внутри файла целиком", EN: "The whole document inside the file"},
	"covers.detached":         {KK: "Қоса берілген түпнұсқа құжат тұтас", RU: "Приложенный исходный документ целиком", EN: "The whole original that you added"},
	"covers.part":             {KK: "Құжаттың тек мына бөліктері: %s", RU: "Только эти части документа: %s", EN: "Only these parts of the document: %s"},
	"covers.revision": {
		KK: "Құжаттың %d-нұсқасы (барлығы %d). Кейінгі өзгерістерге қол қойылмаған.", RU: "Редакция документа %d из %d. Более поздние изменения не подписаны.",
		EN: "Revision %d of %d of the document. What was changed later is not signed.",
	},
	"covers.signature": {KK: "Басқа қолтаңбаның мәні", RU: "Значение другой подписи", EN: "The value of another signature"},
	"covers.none":      {KK: "Ештеңе расталмады", RU: "Ничего не подтверждено", EN: "Nothing is confirmed"},
	"changes":          {KK: "Қол қойылғаннан кейін өзгергені", RU: "Что изменено после подписания", EN: "Changed since it was signed"},

	"change.evidence":          {KK: "тексеру деректері қосылған", RU: "добавлены данные для проверки", EN: "evidence was added"},
	"change.time_stamp":        {KK: "уақыт белгісі қосылған", RU: "добавлена метка времени", EN: "a time stamp was added"},
	"change.signature":         {KK: "тағы бір қолтаңба қойылған", RU: "добавлена ещё одна подпись", EN: "another signature was added"},
	"change.structure":         {KK: "файлдың ішкі құрылымы", RU: "внутреннее устройство файла", EN: "the structure of the file"},
	"change.visible_signature": {KK: "бетке қолтаңбаның суреті салынған", RU: "на странице появилось изображение подписи", EN: "a picture of a signature on a page"},
	"change.metadata":          {KK: "құжат туралы мәліметтер", RU: "сведения о документе", EN: "information about the document"},
	"change.form_fill":         {KK: "форманың өрістері толтырылған", RU: "заполнены поля формы", EN: "fields of the form were filled in"},
	"change.annotation":        {KK: "түсініктемелер қосылған", RU: "добавлены пометки", EN: "annotations were added"},
	"change.other":             {KK: "құжаттың мазмұны", RU: "содержание документа", EN: "the content of the document"},

	"why":     {KK: "Себебі", RU: "Причина", EN: "Why"},
	"advice":  {KK: "Не істеу керек", RU: "Что делать", EN: "What to do"},
	"remarks": {KK: "Ескертпелер", RU: "Замечания", EN: "Remarks"},
	"period":  {KK: "%s — %s", RU: "%s — %s", EN: "%s to %s"},
	"clock":   {KK: "(Астана уақыты)", RU: "(время Астаны)", EN: "(Astana time)"},

	"status.good":        {KK: "кері қайтарып алынбаған", RU: "не отозван", EN: "not revoked"},
	"status.revoked":     {KK: "кері қайтарып алынған", RU: "отозван", EN: "revoked"},
	"status.unknown":     {KK: "белгісіз", RU: "неизвестно", EN: "unknown"},
	"status.unavailable": {KK: "мәлімет алынбады", RU: "сведения не получены", EN: "no information was had"},
	"status.exempt":      {KK: "тексеру қажет емес", RU: "проверка не требуется", EN: "need not be checked"},
}

var months = map[report.Lang][12]string{
	report.KK: {"қаңтар", "ақпан", "наурыз", "сәуір", "мамыр", "маусым", "шілде", "тамыз", "қыркүйек", "қазан", "қараша", "желтоқсан"},
	report.RU: {"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
	report.EN: {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// words finds texts in one language.
type words struct{ lang report.Lang }

// t is a text, filled with values where it has places for them.
func (w words) t(id string, values ...any) string {
	text, ok := plainWords[id]
	if !ok {
		text, ok = expertWords[id]
	}
	if !ok {
		return id
	}
	if len(values) == 0 {
		return text.In(w.lang)
	}
	return fmt.Sprintf(text.In(w.lang), values...)
}

// known is the text of an id, else the word itself: for names that come from a verdict.
func (w words) known(prefix, name string) string {
	if _, ok := plainWords[prefix+name]; ok {
		return w.t(prefix + name)
	}
	if _, ok := expertWords[prefix+name]; ok {
		return w.t(prefix + name)
	}
	return clean(name)
}

// date writes a moment as people of the language do, in the one time zone that Kazakhstan has since 1 March 2024.
func (w words) date(t time.Time) string {
	t = t.In(time.FixedZone("Astana", 5*60*60))
	month := months[w.lang][t.Month()-1]
	clock := t.Format("15:04") + " " + w.t("clock")
	switch w.lang {
	case report.KK:
		return fmt.Sprintf("%d ж. %d %s, %s", t.Year(), t.Day(), month, clock)
	case report.RU:
		return fmt.Sprintf("%d %s %d г., %s", t.Day(), month, t.Year(), clock)
	case report.EN:
	}
	return fmt.Sprintf("%d %s %d, %s", t.Day(), month, t.Year(), clock)
}

// exact is for experts: UTC.
func exact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func exactOr(t *time.Time) string {
	if t == nil {
		return ""
	}
	return exact(*t)
}

// textMax bounds what one value of a document may take of a page, in characters.
const textMax = 600

// clean makes the words of a document or a certificate harmless to the reader's eyes. A name may hold controls, ends of lines that feign
// further rows, and marks that turn the direction of writing, by which "001" becomes "100" on paper and the rest of a line is
// shown in another order.
func clean(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n == textMax {
			return '…'
		}
		switch {
		case n > textMax:
			return -1
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029: // controls, ends of lines
			return ' '
		case r == 0x061c, r == 0x200e, r == 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff, r >= 0x200b && r <= 0x200d: // direction, no width
			return 0xfffd
		}
		return r
	}, s)
}
