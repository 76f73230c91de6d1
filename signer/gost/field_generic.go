package gost

func mulPM4(z, x, y *[4]uint64, c uint64)       { mulPM4Go(z, x, y, c) }
func mulPM8(z, x, y *[8]uint64, c uint64)       { mulPM8Go(z, x, y, c) }
func mulMont4(z, x, y, p *[4]uint64, n0 uint64) { mulMont4Go(z, x, y, p, n0) }
func mulMont8(z, x, y, p *[8]uint64, n0 uint64) { mulMont8Go(z, x, y, p, n0) }
