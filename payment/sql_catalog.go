package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
)

// pageMax and pageDefault bound lists.
const (
	pageMax     = 100
	pageDefault = 50
)

func pageLimit(limit int) (int, error) {
	switch {
	case limit == 0:
		return pageDefault, nil
	case limit < 0 || limit > pageMax:
		return 0, ErrInvalid.with("limit is not between 1 and 100").at("limit")
	}
	return limit, nil
}

// PublishService publishes a service of an agency. A code that is known becomes a new version, unless nothing differs;
// debts keep the version under which they were loaded. Errors: [ErrInvalid] naming the field, [ErrAgencyUnknown], and
// those of [Idem].
func (s *Service) PublishService(ctx context.Context, idem Idem, agency string, spec catalog.ServiceSpec) (catalog.Service, bool, error) {
	if err := spec.Check(); err != nil {
		return catalog.Service{}, false, invalidSpec(err)
	}
	spec = spec.Normal()
	return idempotent(ctx, &s.store, idem, nil, func(ctx context.Context, tx *sqlx.Tx) (catalog.Service, error) {
		var known string
		if err := orMissing(one(ctx, tx, &known, `SELECT id FROM agencies WHERE id = $1`, agency), ErrAgencyUnknown); err != nil {
			return catalog.Service{}, err
		}
		next, changed, err := s.nextVersion(ctx, tx, agency, spec)
		if err != nil || !changed {
			return next, err
		}
		if err := insertVersion(ctx, tx, next); err != nil {
			return catalog.Service{}, err
		}
		return next, s.audit(ctx, tx, entry{idem.Caller, "service.published", next.ID, next})
	})
}

// nextVersion locks the service's row, makes it if need be, and says whether the specification is new.
func (s *Service) nextVersion(ctx context.Context, tx *sqlx.Tx, agency string, spec catalog.ServiceSpec) (catalog.Service, bool, error) {
	id, err := newID(prefixService, -1)
	if err != nil {
		return catalog.Service{}, false, err
	}
	now := s.now()
	next := catalog.Service{ID: id, Version: 1, Agency: agency, ServiceSpec: spec, PublishedAt: now}
	result, err := tx.ExecContext(ctx, `
		INSERT INTO services (id, agency_id, code, current_version, created_at) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (agency_id, code) DO NOTHING`, id, agency, spec.Code, now)
	if err != nil {
		return catalog.Service{}, false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return next, true, err
	}
	if err := one(ctx, tx, &next.ID, `SELECT id FROM services WHERE agency_id = $1 AND code = $2 FOR UPDATE`, agency, spec.Code); err != nil {
		return catalog.Service{}, false, err
	}
	current, err := loadServices(ctx, tx, `s.id = $1`, next.ID)
	if err != nil {
		return catalog.Service{}, false, err
	}
	if reflect.DeepEqual(current[0].ServiceSpec, spec) {
		return current[0], false, nil
	}
	next.Version = current[0].Version + 1
	return next, true, exec(ctx, tx, 1, `UPDATE services SET current_version = $2 WHERE id = $1`, next.ID, next.Version)
}

func insertVersion(ctx context.Context, tx *sqlx.Tx, v catalog.Service) error {
	b := v.Beneficiary
	if err := exec(ctx, tx, 1, `
		INSERT INTO service_versions (service_id, version, name_kk, name_ru, name_en, kind, automation, kbk, knp, kbe,
			beneficiary_name, beneficiary_bin, beneficiary_account, beneficiary_bic, published_at, instalment_min, without_debt)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		v.ID, v.Version, v.Names.KK, v.Names.RU, v.Names.EN, v.Kind, v.Automation, v.KBK, v.KNP, v.KBE,
		b.Name, b.BIN, b.Account, b.BIC, v.PublishedAt, v.InstalmentMin, v.WithoutDebt); err != nil {
		return err
	}
	for _, t := range v.Tariffs {
		terms, err := json.Marshal(tariffTerms{t.Floor, t.Cap, t.Discounts})
		if err != nil {
			return fmt.Errorf("couldn't encode a tariff: %w", err)
		}
		if err := exec(ctx, tx, 1, `
			INSERT INTO tariffs (service_id, version, valid_from, valid_to, kind, amount, rate, rounding, terms)
			VALUES ($1, $2, $3::date, nullif($4, '')::date, $5, nullif($6::bigint, 0), nullif($7, ''), nullif($8, ''), nullif($9, '{}'))`,
			v.ID, v.Version, t.ValidFrom, t.ValidTo, t.Kind, t.Fixed, t.Rate, t.Rounding, string(terms)); err != nil {
			return err
		}
	}
	return nil
}

// Services lists current versions in the order of ids. Errors: [ErrInvalid] for a bad limit.
func (s *Service) Services(ctx context.Context, q ServiceQuery) (ServicePage, error) {
	limit, err := pageLimit(q.Limit)
	if err != nil {
		return ServicePage{}, err
	}
	found, err := loadServices(ctx, s.db, `s.id > $1 AND ($2 = '' OR s.agency_id = $2) ORDER BY s.id LIMIT $3`, q.After, q.Agency, limit+1)
	if err != nil {
		return ServicePage{}, err
	}
	page := ServicePage{Items: found, HasMore: len(found) > limit}
	page.Items = page.Items[:min(len(found), limit)]
	return page, nil
}

// Service returns the current version of a service, or [ErrServiceUnknown].
func (s *Service) Service(ctx context.Context, id string) (catalog.Service, error) {
	found, err := loadServices(ctx, s.db, `s.id = $1`, id)
	if err != nil {
		return catalog.Service{}, err
	}
	if len(found) == 0 {
		return catalog.Service{}, ErrServiceUnknown
	}
	return found[0], nil
}

// Quote returns what the service costs, and what of it is due on the day of payment. Errors: [ErrServiceUnknown],
// [ErrNoTariff], [ErrAmountStated], [ErrInvalid] naming the part of the ask that breaks a rule or is missing.
func (s *Service) Quote(ctx context.Context, service string, ask catalog.Ask) (catalog.Quote, error) {
	found, err := s.Service(ctx, service)
	if err != nil {
		return catalog.Quote{}, err
	}
	table, err := loadMRP(ctx, s.db)
	if err != nil {
		return catalog.Quote{}, err
	}
	quote, err := found.Price(ask, table)
	switch {
	case errors.Is(err, catalog.ErrNoTariff):
		return catalog.Quote{}, ErrNoTariff.with(err.Error())
	case errors.Is(err, catalog.ErrStated):
		return catalog.Quote{}, ErrAmountStated
	case errors.Is(err, catalog.ErrClaim):
		return catalog.Quote{}, ErrInvalid.with("the fee is a percent of a claim: give its amount in tiyn").at("claim")
	case err != nil:
		return catalog.Quote{}, invalidSpec(err)
	}
	return quote, nil
}

type serviceRow struct {
	ID                 string             `db:"id"`
	Agency             string             `db:"agency_id"`
	Code               string             `db:"code"`
	Version            int                `db:"version"`
	KK                 string             `db:"name_kk"`
	RU                 string             `db:"name_ru"`
	EN                 string             `db:"name_en"`
	Kind               catalog.Kind       `db:"kind"`
	Automation         catalog.Automation `db:"automation"`
	KBK                string             `db:"kbk"`
	KNP                string             `db:"knp"`
	KBE                string             `db:"kbe"`
	BeneficiaryName    string             `db:"beneficiary_name"`
	BeneficiaryBIN     string             `db:"beneficiary_bin"`
	BeneficiaryAccount string             `db:"beneficiary_account"`
	BeneficiaryBIC     string             `db:"beneficiary_bic"`
	PublishedAt        time.Time          `db:"published_at"`
	InstalmentMin      int64              `db:"instalment_min"`
	WithoutDebt        bool               `db:"without_debt"`
}

type tariffRow struct {
	Service   string             `db:"service_id"`
	Version   int                `db:"version"`
	ValidFrom catalog.Date       `db:"valid_from"`
	ValidTo   catalog.Date       `db:"valid_to"`
	Kind      catalog.TariffKind `db:"kind"`
	Fixed     int64              `db:"amount"`
	Rate      catalog.RateText   `db:"rate"`
	Rounding  money.Rounding     `db:"rounding"`
	Terms     string             `db:"terms"`
}

// tariffTerms is the JSON of a tariff's bounds and discounts.
type tariffTerms struct {
	Floor     *catalog.Bound     `json:"floor,omitempty"`
	Cap       *catalog.Bound     `json:"cap,omitempty"`
	Discounts []catalog.Discount `json:"discounts,omitempty"`
}

// serviceColumns select one version of services s joined with service_versions v.
const serviceColumns = `s.id, s.agency_id, s.code, v.version, v.name_kk, v.name_ru, v.name_en, v.kind, v.automation, v.kbk, v.knp, v.kbe,
	v.beneficiary_name, v.beneficiary_bin, v.beneficiary_account, v.beneficiary_bic, v.published_at, v.instalment_min, v.without_debt`

// loadServices reads current versions that meet a condition over services s.
func loadServices(ctx context.Context, q sqlx.QueryerContext, condition string, args ...any) ([]catalog.Service, error) {
	var rows []serviceRow
	err := all(ctx, q, &rows, `SELECT `+serviceColumns+`
		FROM services s JOIN service_versions v ON v.service_id = s.id AND v.version = s.current_version WHERE `+condition, args...)
	if err != nil {
		return nil, err
	}
	return withTariffs(ctx, q, rows)
}

// serviceKey names one version of a service.
type serviceKey struct {
	id      string
	version int
}

// loadServiceVersions reads the named versions.
func loadServiceVersions(ctx context.Context, q sqlx.QueryerContext, keys []serviceKey) (map[serviceKey]catalog.Service, error) {
	ids, versions := make([]string, len(keys)), make([]int64, len(keys))
	for i, k := range keys {
		ids[i], versions[i] = k.id, int64(k.version)
	}
	var rows []serviceRow
	err := all(ctx, q, &rows, `SELECT `+serviceColumns+`
		FROM services s JOIN service_versions v ON v.service_id = s.id
		WHERE (v.service_id, v.version) IN (SELECT id, version FROM unnest($1::text[], $2::integer[]) AS t (id, version))`,
		pq.Array(ids), pq.Array(versions))
	if err != nil {
		return nil, err
	}
	found, err := withTariffs(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	versionsByKey := make(map[serviceKey]catalog.Service, len(found))
	for _, v := range found {
		versionsByKey[serviceKey{v.ID, v.Version}] = v
	}
	return versionsByKey, nil
}

func withTariffs(ctx context.Context, q sqlx.QueryerContext, rows []serviceRow) ([]catalog.Service, error) {
	services, ids := make([]catalog.Service, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
		services[i] = catalog.Service{
			ID: r.ID, Version: r.Version, Agency: r.Agency, PublishedAt: r.PublishedAt.UTC(),
			ServiceSpec: catalog.ServiceSpec{
				Code: r.Code, Names: catalog.Names{KK: r.KK, RU: r.RU, EN: r.EN}, Kind: r.Kind, Automation: r.Automation,
				KBK: r.KBK, KNP: r.KNP, KBE: r.KBE, InstalmentMin: r.InstalmentMin, WithoutDebt: r.WithoutDebt,
				Beneficiary: catalog.Beneficiary{
					Name: r.BeneficiaryName, BIN: r.BeneficiaryBIN, Account: r.BeneficiaryAccount, BIC: r.BeneficiaryBIC,
				},
			},
		}
	}
	var tariffs []tariffRow
	err := all(ctx, q, &tariffs, `
		SELECT service_id, version, valid_from::text AS valid_from, coalesce(valid_to::text, '') AS valid_to, kind,
			coalesce(amount, 0) AS amount, coalesce(rate, '') AS rate, coalesce(rounding, '') AS rounding,
			coalesce(terms, '{}') AS terms
		FROM tariffs WHERE service_id = ANY($1) ORDER BY service_id, version, valid_from`, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	for i := range services {
		for _, t := range tariffs {
			if t.Service == services[i].ID && t.Version == services[i].Version {
				tariff, err := t.tariff()
				if err != nil {
					return nil, err
				}
				services[i].Tariffs = append(services[i].Tariffs, tariff)
			}
		}
	}
	return services, nil
}

func (r tariffRow) tariff() (catalog.Tariff, error) {
	t := catalog.Tariff{ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, Kind: r.Kind, Fixed: r.Fixed, Rate: r.Rate, Rounding: r.Rounding}
	var terms tariffTerms
	if err := json.Unmarshal([]byte(r.Terms), &terms); err != nil {
		return t, fmt.Errorf("couldn't read the terms of a tariff of %s: %w", r.Service, err)
	}
	t.Floor, t.Cap, t.Discounts = terms.Floor, terms.Cap, terms.Discounts
	return t, nil
}

func loadMRP(ctx context.Context, q sqlx.QueryerContext) ([]catalog.MRP, error) {
	var rows []struct {
		ValidFrom catalog.Date `db:"valid_from"`
		ValidTo   catalog.Date `db:"valid_to"`
		Amount    int64        `db:"amount"`
		Source    string       `db:"source"`
	}
	err := all(ctx, q, &rows, `
		SELECT valid_from::text AS valid_from, coalesce(valid_to::text, '') AS valid_to, amount, source FROM mrp ORDER BY valid_from`)
	if err != nil {
		return nil, err
	}
	table := make([]catalog.MRP, len(rows))
	for i, r := range rows {
		table[i] = catalog.MRP{ValidFrom: r.ValidFrom, ValidTo: r.ValidTo, Tiyn: r.Amount, Source: r.Source}
	}
	return table, nil
}
