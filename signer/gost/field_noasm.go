//go:build !amd64

package gost

const hasADX = false

func mulPM4ADX(z, x, y *[4]uint64, c uint64)       { mulPM4Go(z, x, y, c) }
func sqrPM4ADX(z, x *[4]uint64, c uint64)          { mulPM4Go(z, x, x, c) }
func mulPM8ADX(z, x, y *[8]uint64, c uint64)       { mulPM8Go(z, x, y, c) }
func sqrPM8ADX(z, x *[8]uint64, c uint64)          { mulPM8Go(z, x, x, c) }
func mulMont4ADX(z, x, y, p *[4]uint64, n0 uint64) { mulMont4Go(z, x, y, p, n0) }
func mulMont8ADX(z, x, y, p *[8]uint64, n0 uint64) { mulMont8Go(z, x, y, p, n0) }
