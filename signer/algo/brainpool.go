package algo

import (
	"fmt"
	"math/big"

	"qaqpa/signer/asn1ber"
)

// BrainpoolKey is a public key on a brainpool curve (RFC 5639), for verification alone: nothing here is secret, so the
// arithmetic takes the time that it takes. It is immutable.
type BrainpoolKey struct {
	curve *weierstrass
	x, y  *big.Int
}

// weierstrass is y² = x³ + ax + b over p, with a generator of prime order q and cofactor 1.
type weierstrass struct {
	name               string
	p, a, b, gx, gy, q *big.Int
}

// weierstrassOf reads p, a, b, x and y of the generator, and q, in hex.
func weierstrassOf(name string, numbers [6]string) *weierstrass {
	var n [6]*big.Int
	for i, text := range numbers {
		var ok bool
		if n[i], ok = new(big.Int).SetString(text, 16); !ok {
			panic("algo: built-in curve " + name) // constants below; a test loads them
		}
	}
	return &weierstrass{name, n[0], n[1], n[2], n[3], n[4], n[5]}
}

// brainpoolCurves are the random curves of RFC 5639 3.4, 3.6, 3.7 that TS 119 312 lists, by the contents octets of their OID.
var brainpoolCurves = map[string]*weierstrass{
	asn1ber.MustOID("1.3.36.3.3.2.8.1.1.7"): weierstrassOf("brainpoolP256r1", [6]string{
		"A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377",
		"7D5A0975FC2C3057EEF67530417AFFE7FB8055C126DC5C6CE94A4B44F330B5D9",
		"26DC5C6CE94A4B44F330B5D9BBD77CBF958416295CF7E1CE6BCCDC18FF8C07B6",
		"8BD2AEB9CB7E57CB2C4B482FFC81B7AFB9DE27E1E3BD23C23A4453BD9ACE3262",
		"547EF835C3DAC4FD97F8461A14611DC9C27745132DED8E545C1D54C72F046997",
		"A9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7",
	}),
	asn1ber.MustOID("1.3.36.3.3.2.8.1.1.11"): weierstrassOf("brainpoolP384r1", [6]string{
		"8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B412B1DA197FB71123ACD3A729901D1A71874700133107EC53",
		"7BC382C63D8C150C3C72080ACE05AFA0C2BEA28E4FB22787139165EFBA91F90F8AA5814A503AD4EB04A8C7DD22CE2826",
		"04A8C7DD22CE28268B39B55416F0447C2FB77DE107DCD2A62E880EA53EEB62D57CB4390295DBC9943AB78696FA504C11",
		"1D1C64F068CF45FFA2A63A81B7C13F6B8847A3E77EF14FE3DB7FCAFE0CBD10E8E826E03436D646AAEF87B2E247D4AF1E",
		"8ABE1D7520F9C2A45CB1EB8E95CFD55262B70B29FEEC5864E19C054FF99129280E4646217791811142820341263C5315",
		"8CB91E82A3386D280F5D6F7E50E641DF152F7109ED5456B31F166E6CAC0425A7CF3AB6AF6B7FC3103B883202E9046565",
	}),
	asn1ber.MustOID("1.3.36.3.3.2.8.1.1.13"): weierstrassOf("brainpoolP512r1", [6]string{
		"AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA703308717D4D9B009BC66842AECDA12AE6A380E62881FF2F2D82C68528AA6056583A48F3",
		"7830A3318B603B89E2327145AC234CC594CBDD8D3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CA",
		"3DF91610A83441CAEA9863BC2DED5D5AA8253AA10A2EF1C98B9AC8B57F1117A72BF2C7B9E7C1AC4D77FC94CADC083E67984050B75EBAE5DD2809BD638016F723",
		"81AEE4BDD82ED9645A21322E9C4C6A9385ED9F70B5D916C1B43B62EEF4D0098EFF3B1F78E2D0D48D50D1687B93B97D5F7C6D5047406A5E688B352209BCB9F822",
		"7DDE385D566332ECC0EABFA9CF7822FDF209F70024A57B1AA000C55B881F8111B2DCDE494A5F485E5BCA4BD88A2763AED1CA2B2FA8F0540678CD1E0F3AD80892",
		"AADD9DB8DBE9C48B3FD4E6AE33C9FC07CB308DB3B3C9D20ED6639CCA70330870553E5C414CA92619418661197FAC10471DB1D381085DDADDB58796829CA90069",
	}),
}

// parseBrainpool reads an uncompressed point and checks that it lies on the curve, which has no small subgroups.
func parseBrainpool(c *weierstrass, key []byte) (PublicKey, error) {
	size := (c.p.BitLen() + 7) / 8
	if len(key) != 1+2*size || key[0] != 4 {
		return PublicKey{}, fmt.Errorf("%w: not an uncompressed point of %s", ErrKey, c.name)
	}
	x, y := new(big.Int).SetBytes(key[1:1+size]), new(big.Int).SetBytes(key[1+size:])
	if x.Cmp(c.p) >= 0 || y.Cmp(c.p) >= 0 || !c.holds(x, y) {
		return PublicKey{}, fmt.Errorf("%w: the point is not on %s", ErrKey, c.name)
	}
	return PublicKey{Family: ECDSA, Bits: c.p.BitLen(), Curve: c.name, Key: &BrainpoolKey{c, x, y}}, nil
}

// holds reports whether a point satisfies the curve's equation.
func (c *weierstrass) holds(x, y *big.Int) bool {
	right := new(big.Int).Mul(x, x)
	right.Add(right, c.a).Mul(right, x).Add(right, c.b).Mod(right, c.p)
	left := new(big.Int).Mul(y, y)
	return left.Mod(left, c.p).Cmp(right) == 0
}

// verify is ECDSA (BSI TR-03111 4.2.1) over a digest, with a signature in strict DER.
func (k *BrainpoolKey) verify(digest, sig []byte) error {
	r, s, err := k.curve.parse(sig)
	if err != nil {
		return ErrSignature
	}
	c := k.curve
	if excess := len(digest)*8 - c.q.BitLen(); excess > 0 { // the orders of these curves are whole octets
		digest = digest[:len(digest)-excess/8]
	}
	w := new(big.Int).ModInverse(s, c.q)
	u := new(big.Int).SetBytes(digest)
	u.Mul(u, w).Mod(u, c.q)
	v := new(big.Int).Mul(r, w)
	v.Mod(v, c.q)
	sum := c.combine(u, v, k.x, k.y)
	x, ok := sum.affineX(c)
	if !ok {
		return ErrSignature
	}
	return verdict(x.Mod(x, c.q).Cmp(r) == 0)
}

// parse reads Ecdsa-Sig-Value (RFC 3279 2.2.3): both numbers between 1 and q-1, minimal, nothing after them.
func (c *weierstrass) parse(sig []byte) (r, s *big.Int, err error) {
	e, err := asn1ber.ParseDER(sig)
	if err != nil {
		return nil, nil, err
	}
	if e.Tag != asn1ber.Sequence {
		return nil, nil, asn1ber.ErrSyntax
	}
	in, err := e.Children()
	if err != nil {
		return nil, nil, err
	}
	for _, to := range []**big.Int{&r, &s} {
		i, err := in.Read(asn1ber.Integer)
		if err != nil {
			return nil, nil, err
		}
		n, err := i.BigInt(len(c.q.Bytes()) + 1)
		if err != nil {
			return nil, nil, err
		}
		if n.Sign() <= 0 || n.Cmp(c.q) >= 0 {
			return nil, nil, asn1ber.ErrSyntax
		}
		*to = n
	}
	return r, s, in.End()
}

// jacobian is a point (X/Z², Y/Z³); Z zero is the point at infinity.
type jacobian struct{ x, y, z *big.Int }

func infinity() jacobian { return jacobian{big.NewInt(1), big.NewInt(1), new(big.Int)} }

// combine is u·G + v·(x, y), bit by bit for both at once.
func (c *weierstrass) combine(u, v, x, y *big.Int) jacobian {
	one := big.NewInt(1)
	g, k := jacobian{c.gx, c.gy, one}, jacobian{x, y, one}
	both := c.add(g, k)
	out := infinity()
	for i := max(u.BitLen(), v.BitLen()) - 1; i >= 0; i-- {
		out = c.double(out)
		switch a, b := u.Bit(i), v.Bit(i); {
		case a == 1 && b == 1:
			out = c.add(out, both)
		case a == 1:
			out = c.add(out, g)
		case b == 1:
			out = c.add(out, k)
		}
	}
	return out
}

func (c *weierstrass) mul(a, b *big.Int) *big.Int {
	m := new(big.Int).Mul(a, b)
	return m.Mod(m, c.p)
}

func (c *weierstrass) sub(a, b *big.Int) *big.Int {
	d := new(big.Int).Sub(a, b)
	return d.Mod(d, c.p)
}

func (c *weierstrass) double(a jacobian) jacobian {
	if a.z.Sign() == 0 || a.y.Sign() == 0 {
		return infinity()
	}
	yy := c.mul(a.y, a.y)
	s := c.mul(a.x, yy)
	s.Lsh(s, 2).Mod(s, c.p)
	zz := c.mul(a.z, a.z)
	m := c.mul(a.x, a.x)
	m.Mul(m, big.NewInt(3)).Add(m, c.mul(c.a, c.mul(zz, zz))).Mod(m, c.p)
	x := c.sub(c.mul(m, m), new(big.Int).Lsh(s, 1))
	yyyy := c.mul(yy, yy)
	y := c.sub(c.mul(m, c.sub(s, x)), yyyy.Lsh(yyyy, 3))
	z := c.mul(a.y, a.z)
	return jacobian{x, y, z.Lsh(z, 1).Mod(z, c.p)}
}

func (c *weierstrass) add(a, b jacobian) jacobian {
	switch {
	case a.z.Sign() == 0:
		return b
	case b.z.Sign() == 0:
		return a
	}
	za, zb := c.mul(a.z, a.z), c.mul(b.z, b.z)
	ua, ub := c.mul(a.x, zb), c.mul(b.x, za)
	sa, sb := c.mul(a.y, c.mul(zb, b.z)), c.mul(b.y, c.mul(za, a.z))
	if ua.Cmp(ub) == 0 {
		if sa.Cmp(sb) != 0 {
			return infinity()
		}
		return c.double(a)
	}
	h, r := c.sub(ub, ua), c.sub(sb, sa)
	hh := c.mul(h, h)
	hhh, v := c.mul(h, hh), c.mul(ua, hh)
	x := c.sub(c.sub(c.mul(r, r), hhh), new(big.Int).Lsh(v, 1))
	y := c.sub(c.mul(r, c.sub(v, x)), c.mul(sa, hhh))
	return jacobian{x, y, c.mul(h, c.mul(a.z, b.z))}
}

// affineX is the point's x; false at infinity.
func (a jacobian) affineX(c *weierstrass) (*big.Int, bool) {
	if a.z.Sign() == 0 {
		return nil, false
	}
	z := new(big.Int).ModInverse(a.z, c.p)
	return c.mul(a.x, c.mul(z, z)), true
}
