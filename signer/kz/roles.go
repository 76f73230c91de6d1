package kz

import (
	"slices"
	"strings"
)

// Text is a name in the three languages.
type Text struct{ KK, RU, EN string }

// Role is an authority that a certificate gives its holder.
type Role struct {
	// Code is stable and for programs.
	Code string
	OID  string
	Name Text
}

// Codes of roles that decisions are made by.
const (
	RoleIndividual   = "individual"
	RolePersonSystem = "individual_information_system"
	RoleLegalEntity  = "legal_entity"
	RoleHead         = "head"
	RoleSignRight    = "right_of_signature"
	RoleFinancial    = "right_of_financial_signature"
	RoleHR           = "human_resources"
	RoleEmployee     = "employee"
	RoleLegalSystem  = "information_system"
	RoleTreasury     = "treasury_client"
)

const oidLegalSystem = "1.2.398.3.3.4.1.2.6"

// roles is the register of the root authority (root.gov.kz/oid), arcs 3.3.4 and 5.19, with the names of 2026.
var roles = []Role{
	{RoleIndividual, "1.2.398.3.3.4.1.1", Text{"Жеке тұлға", "Физическое лицо", "Individual"}},
	{RolePersonSystem, "1.2.398.3.3.4.1.1.1", Text{
		"Жеке тұлғаның цифрлық жүйесі", "Цифровая система физического лица", "Digital system of an individual",
	}},
	{RoleLegalEntity, "1.2.398.3.3.4.1.2", Text{"Заңды тұлға", "Юридическое лицо", "Legal entity"}},
	{RoleHead, "1.2.398.3.3.4.1.2.1", Text{
		"Заңды тұлғаның бірінші басшысы", "Первый руководитель юридического лица", "Head of a legal entity",
	}},
	{RoleSignRight, "1.2.398.3.3.4.1.2.2", Text{
		"Қол қою құқығы берілген тұлға", "Лицо, наделённое правом подписи", "Person with the right of signature",
	}},
	{RoleFinancial, "1.2.398.3.3.4.1.2.3", Text{
		"Қаржы құжаттарына қол қою құқығы берілген тұлға", "Лицо, наделённое правом подписи финансовых документов",
		"Person with the right to sign financial documents",
	}},
	{RoleHR, "1.2.398.3.3.4.1.2.4", Text{
		"Кадр бөлімінің қызметкері", "Сотрудник отдела кадров", "Human resources officer",
	}},
	{RoleEmployee, "1.2.398.3.3.4.1.2.5", Text{"Ұйым қызметкері", "Сотрудник организации", "Employee of an organisation"}},
	{RoleLegalSystem, oidLegalSystem, Text{
		"Заңды тұлғаның цифрлық жүйесі", "Цифровая система юридического лица", "Digital system of a legal entity",
	}},
	{"nca_administrator", "1.2.398.3.3.4.2.1", Text{"ҚР ҰКО әкімшісі", "Администратор НУЦ РК", "Administrator of the national CA"}},
	{"nca_manager", "1.2.398.3.3.4.2.2", Text{"ҚР ҰКО менеджері", "Менеджер НУЦ РК", "Manager of the national CA"}},
	{"nca_operator", "1.2.398.3.3.4.2.3", Text{"ҚР ҰКО операторы", "Оператор НУЦ РК", "Operator of the national CA"}},
	{"identified_in_person", "1.2.398.3.3.4.3.1", Text{
		"ХҚКО операторы арқылы сәйкестендірілген", "Идентификация через оператора ЦОН", "Identified in person at a service centre",
	}},
	{"identified_remotely", "1.2.398.3.3.4.3.2", Text{
		"Қашықтан сәйкестендірілген", "Удалённая идентификация", "Identified remotely",
	}},
	{"identified_digital_id", "1.2.398.3.3.4.3.2.1", Text{
		"Digital ID арқылы сәйкестендірілген", "Идентификация Digital ID", "Identified by Digital ID",
	}},
	{"identified_ai_platform", "1.2.398.3.3.4.3.2.2", Text{
		"AI Platform арқылы сәйкестендірілген", "Идентификация AI Platform", "Identified by AI Platform",
	}},
	{RoleTreasury, "1.2.398.5.19.1.2.2.1", Text{
		"«Қазынашылық-клиент» жүйесінің пайдаланушысы", "Пользователь системы «Казначейство-клиент»",
		"User of the Treasury-client system",
	}},
}

// Roles lists all known roles.
func Roles() []Role { return slices.Clone(roles) }

// roleOf finds the role of an extended key usage. Systems are registered one by one below the arc of
// systems of legal entities; each is that role.
func roleOf(oid string) (Role, bool) {
	if !strings.HasPrefix(oid, arc) {
		return Role{}, false
	}
	for _, r := range roles {
		if r.OID == oid || (r.OID == oidLegalSystem && strings.HasPrefix(oid, oidLegalSystem+".")) {
			r.OID = oid
			return r, true
		}
	}
	return Role{}, false
}

// Policy is a certificate policy; Name is empty for one that is not known.
type Policy struct {
	OID  string
	Name Text
}

// policies are those of the national CA and the treasury (root.gov.kz/oid).
var policies = []Policy{
	{"1.2.398.3.3.2", Text{"ҚР ҰКО сертификаттарын қолдану саясаты", "Политика применения сертификатов НУЦ РК", "Certificate policy of the national CA"}},
	{"1.2.398.3.3.2.1", Text{"Заңды тұлға: қол қою", "Юридическое лицо: подпись", "Legal entity: signature"}},
	{"1.2.398.3.3.2.2", Text{"Заңды тұлға: аутентификация", "Юридическое лицо: аутентификация", "Legal entity: authentication"}},
	{"1.2.398.3.3.2.3", Text{"Жеке тұлға: қол қою", "Физическое лицо: подпись", "Individual: signature"}},
	{"1.2.398.3.3.2.4", Text{"Жеке тұлға: аутентификация", "Физическое лицо: аутентификация", "Individual: authentication"}},
	{"1.2.398.3.3.2.5", Text{"SSL сертификаты", "Сертификат SSL", "SSL certificate"}},
	{"1.2.398.3.3.2.6", Text{"Уақыт белгісі", "Метка времени", "Time stamp"}},
	{"1.2.398.5.19.1.2.2.1.2", Text{"К2 жүйесі: қол қою", "Система К2: подпись", "K2 system: signature"}},
	{"1.2.398.5.19.1.2.2.1.3", Text{"К2 жүйесі: аутентификация", "Система К2: аутентификация", "K2 system: authentication"}},
}

func policyOf(oid string) Policy {
	for _, p := range policies {
		if p.OID == oid {
			return p
		}
	}
	return Policy{OID: oid}
}
