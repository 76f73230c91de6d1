package paper

import "qaqpa/signer/report"

// The words of the expert's part. Names of algorithms, building blocks and codes stay as the standards write them.
var expertWords = map[string]report.Text{
	"x.verdict":     {KK: "Қорытынды және ережелер", RU: "Заключение и правила", EN: "Verdict and rules"},
	"x.indication":  {KK: "Нәтиже (EN 319 102-1)", RU: "Результат (EN 319 102-1)", EN: "Indication (EN 319 102-1)"},
	"x.format":      {KK: "Пішім", RU: "Формат", EN: "Format"},
	"x.coverage":    {KK: "Қамтуы", RU: "Охват", EN: "Coverage"},
	"x.at":          {KK: "Қай уақытқа бағаланды", RU: "На какое время оценено", EN: "Judged for"},
	"x.evidence.at": {KK: "Дәлелдемелер жиналған уақыт", RU: "Когда собраны доказательства", EN: "Evidence at hand"},
	"x.policy":      {KK: "Тексеру саясаты", RU: "Политика проверки", EN: "Validation policy"},
	"x.trust":       {KK: "Сенімді орталықтар жиыны", RU: "Набор доверенных центров", EN: "Set of trust anchors"},
	"x.document":    {KK: "Құжаттың SHA-256 дайджесті", RU: "SHA-256 документа", EN: "SHA-256 of the document"},
	"x.content":     {KK: "Қол қойылған мазмұнның SHA-256 дайджесті", RU: "SHA-256 подписанного содержания", EN: "SHA-256 of the signed content"},

	"x.signature": {KK: "%s-қолтаңба", RU: "Подпись %s", EN: "Signature %s"},
	"x.stamp":     {KK: "%s-уақыт белгісі", RU: "Метка времени %s", EN: "Time stamp %s"},
	"x.level":     {KK: "Деңгейі", RU: "Уровень", EN: "Level"},
	"x.process":   {KK: "Тексеру үдерісі", RU: "Процесс проверки", EN: "Validation process"},
	"x.algorithm": {KK: "Алгоритм", RU: "Алгоритм", EN: "Algorithm"},
	"x.value":     {KK: "Қолтаңба мәнінің SHA-256 дайджесті", RU: "SHA-256 значения подписи", EN: "SHA-256 of the signature's value"},
	"x.claimed":   {KK: "Мәлімделген қол қою уақыты", RU: "Заявленное время подписания", EN: "Claimed signing time"},
	"x.best":      {KK: "Қолтаңба болған ең ерте уақыт", RU: "Наилучшее время подписи", EN: "Best signature time"},
	"x.proven":    {KK: "уақыт белгісімен дәлелденген", RU: "доказано меткой времени", EN: "proven by a time stamp"},
	"x.unproven":  {KK: "дәлелденбеген: тексеру уақыты алынған", RU: "не доказано: взято время проверки", EN: "not proven: the time of validation"},
	"x.after":     {KK: "Мына уақыттан кейін қойылған", RU: "Подписано не ранее", EN: "Signed after"},
	"x.sigpolicy": {KK: "Қолтаңба саясаты", RU: "Политика подписи", EN: "Signature policy"},
	"x.covers":    {KK: "Қамтуы", RU: "Охват", EN: "Covers"},

	"x.mathematics": {KK: "Қолтаңба мәні", RU: "Значение подписи", EN: "Signature value"},
	"x.references":  {KK: "Қол қойылған деректер", RU: "Подписанные данные", EN: "What is signed"},
	"x.manifests":   {KK: "Манифесттерде аталғандар", RU: "Названное в манифестах", EN: "What manifests list"},

	"integrity.correct":   {KK: "математикалық тұрғыдан дұрыс", RU: "математически верно", EN: "mathematically correct"},
	"integrity.wrong":     {KK: "қате", RU: "неверно", EN: "wrong"},
	"integrity.intact":    {KK: "өзгертілмеген", RU: "не изменены", EN: "intact"},
	"integrity.changed":   {KK: "өзгертілген", RU: "изменены", EN: "changed"},
	"integrity.missing":   {KK: "қолда жоқ", RU: "нет под рукой", EN: "not at hand"},
	"integrity.undecided": {KK: "анықталмады", RU: "не установлено", EN: "undecided"},
	"integrity.bare":      {KK: "құжаттың өзіндегі, иесі белгісіз кілтпен", RU: "по ключу из самого документа, чей он — неизвестно", EN: "by a key out of the document, nobody knows whose"},

	"x.reasons":     {KK: "Орындалмаған ережелер", RU: "Невыполненные правила", EN: "Rules that are not met"},
	"x.remarks":     {KK: "Ескертпелер", RU: "Замечания", EN: "Remarks"},
	"x.blocks":      {KK: "Құрылымдық блоктар", RU: "Строительные блоки", EN: "Building blocks"},
	"x.constraints": {KK: "Саясаттың талаптары", RU: "Требования политики", EN: "Constraints of the policy"},
	"x.chain":       {KK: "Сертификаттар тізбегі", RU: "Цепочка сертификатов", EN: "Chain of certificates"},
	"x.revocation":  {KK: "Кері қайтарып алу", RU: "Отзыв", EN: "Revocation"},
	"x.stamps":      {KK: "Уақыт белгілері", RU: "Метки времени", EN: "Time stamps"},
	"x.scopes":      {KK: "Нақты не қамтылған", RU: "Что именно охвачено", EN: "What exactly is covered"},
	"x.changes":     {KK: "PDF құжатының кейінгі өзгерістері", RU: "Последующие изменения документа PDF", EN: "Later changes of the PDF document"},
	"x.attributes":  {KK: "Атрибуттар", RU: "Атрибуты", EN: "Attributes"},
	"x.attribute":   {KK: "Атрибуттық сертификаттар (бағаланбайды)", RU: "Атрибутные сертификаты (не оцениваются)", EN: "Attribute certificates (not judged)"},
	"x.counter":     {KK: "Қарсы қолтаңбалар", RU: "Заверяющие подписи", EN: "Counter-signatures"},
	"x.evidence":    {KK: "Дәлелдемелер", RU: "Доказательства", EN: "Evidence"},
	"x.signer":      {KK: "Қол қоюшының сертификаты", RU: "Сертификат подписавшего", EN: "Signer's certificate"},

	"h.code":       {KK: "Коды", RU: "Код", EN: "Code"},
	"h.clause":     {KK: "Тармақ", RU: "Пункт", EN: "Clause"},
	"h.detail":     {KK: "Мән-жайы", RU: "Подробность", EN: "Detail"},
	"h.level":      {KK: "Дәрежесі", RU: "Степень", EN: "Level"},
	"h.outcome":    {KK: "Нәтиже", RU: "Результат", EN: "Outcome"},
	"h.block":      {KK: "Блок", RU: "Блок", EN: "Block"},
	"h.constraint": {KK: "Талап", RU: "Требование", EN: "Constraint"},
	"h.third":      {KK: "Сенім білдірілген үшінші тарап", RU: "Доверенная третья сторона", EN: "Trusted third party"},
	"h.subject":    {KK: "Иесі", RU: "Владелец", EN: "Subject"},
	"h.issuer":     {KK: "Беруші", RU: "Издатель", EN: "Issuer"},
	"h.serial":     {KK: "Сериялық нөмірі", RU: "Серийный номер", EN: "Serial number"},
	"h.validity":   {KK: "Мерзімі", RU: "Срок", EN: "Validity"},
	"h.status":     {KK: "Күйі", RU: "Состояние", EN: "Status"},
	"h.source":     {KK: "Қайдан", RU: "Источник", EN: "Source"},
	"h.times":      {KK: "Уақыты", RU: "Время", EN: "Times"},
	"h.kind":       {KK: "Түрі", RU: "Вид", EN: "Kind"},
	"h.size":       {KK: "Байт", RU: "Байт", EN: "Octets"},
	"h.name":       {KK: "Атауы", RU: "Имя", EN: "Name"},
	"h.signed":     {KK: "Қол қойылған", RU: "Подписан", EN: "Signed"},
	"h.value":      {KK: "Мәні", RU: "Значение", EN: "Value"},
	"h.node":       {KK: "Бөлік", RU: "Часть", EN: "Part"},
	"h.revision":   {KK: "Нұсқа", RU: "Редакция", EN: "Revision"},
	"h.use":        {KK: "Кілттің мақсаты · сақталуы", RU: "Назначение · хранение ключа", EN: "Key use · storage"},

	"yes":       {KK: "иә", RU: "да", EN: "yes"},
	"no":        {KK: "жоқ", RU: "нет", EN: "no"},
	"kept":      {KK: "орындалды", RU: "выполнено", EN: "met"},
	"broken":    {KK: "орындалмады", RU: "не выполнено", EN: "not met"},
	"ignored":   {KK: "қаралмады", RU: "не рассматривалось", EN: "not looked at"},
	"anchor":    {KK: "сенім тірегі", RU: "якорь доверия", EN: "trust anchor"},
	"forbidden": {KK: "тыйым салынған", RU: "запрещено", EN: "forbidden"},
	"agrees":    {KK: "сәйкес", RU: "совпадает", EN: "agrees"},
	"differs":   {KK: "сәйкес емес", RU: "не совпадает", EN: "differs"},
	"hole":      {KK: "қамтылмаған", RU: "не охвачено", EN: "left out"},

	"c.signing-certificate-attribute": {KK: "Сертификатқа қол қойылған", RU: "Сертификат сам подписан", EN: "The signer's certificate is itself signed"},
	"c.signed-attributes":             {KK: "Қол қойылған атрибуттар бар", RU: "Есть подписанные атрибуты", EN: "There are signed attributes"},
	"c.attributes-in-der":             {KK: "Атрибуттар DER түрінде", RU: "Атрибуты записаны в DER", EN: "Attributes are written in DER"},
	"c.signing-time":                  {KK: "Қол қою уақыты мәлімделген", RU: "Время подписания заявлено", EN: "The signer states when"},
	"c.time-stamp":                    {KK: "Уақытты жарамды белгі дәлелдейді", RU: "Время доказывает действительная метка", EN: "A time stamp that holds proves when"},
	"c.time-stamps-hold":              {KK: "Барлық уақыт белгілері жарамды", RU: "Все метки времени действительны", EN: "Every time stamp holds"},
	"c.time-stamp-order":              {KK: "Уақыт белгілерінің реті дұрыс", RU: "Порядок меток времени верен", EN: "Time stamps are in order"},
	"c.time-stamp-delay":              {KK: "Белгі дер кезінде қойылған", RU: "Метка поставлена вовремя", EN: "Stamped soon after the claimed time"},
	"c.content-time-stamp":            {KK: "Мазмұнның уақыт белгісі бар", RU: "Есть метка времени содержания", EN: "There is a content time stamp"},
	"c.whole-document":                {KK: "Құжатқа тұтас қол қойылған", RU: "Документ подписан целиком", EN: "The whole document is signed"},
	"c.later-signatures":              {KK: "Кейінгі қолтаңбалар бөлек тұр", RU: "Более поздние подписи отделены", EN: "Later signatures stand apart"},
	"c.counter-signatures-hold":       {KK: "Қарсы қолтаңбалар жарамды", RU: "Заверяющие подписи действительны", EN: "Every counter-signature passes"},
	"c.signature-policy":              {KK: "Қолтаңба саясаты аталған", RU: "Политика подписи названа", EN: "A signature policy is named"},
	"c.signature-policy-available":    {KK: "Қолтаңба саясаты қолжетімді", RU: "Политика подписи доступна", EN: "The signature policy is available"},
	"c.signature-policy-digest":       {KK: "Қолтаңба саясатының дайджесті сәйкес", RU: "Хеш политики подписи совпадает", EN: "The digest of the signature policy agrees"},
	"c.signer-identifiers":            {KK: "ЖСН мен БСН бақылау цифрлары дұрыс", RU: "Контрольные цифры ИИН и БИН верны", EN: "Control digits of IIN and BIN are right"},
	"c.long-term-evidence":            {KK: "Кері қайтару деректері құжат ішінде", RU: "Данные об отзыве лежат в документе", EN: "Revocation data came inside the document"},
}

// clauses says where a constraint of a policy stands in EN 319 102-1. Those that are not named belong to signature acceptance.
var clauses = map[string]string{
	"time-stamp-order": "5.5.4", "time-stamp-delay": "5.5.4", "time-stamps-hold": "5.5.4", "time-stamp": "5.5.4", "long-term-evidence": "5.6",
	"signature-policy": "5.2.4", "signature-policy-available": "5.2.4", "signature-policy-digest": "5.2.4",
}

func clauseOf(constraint string) string {
	if c, ok := clauses[constraint]; ok {
		return "EN 319 102-1 " + c
	}
	return "EN 319 102-1 5.2.8"
}
