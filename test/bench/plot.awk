# Draws what section shape has recorded: raw.csv in, an SVG out, four panels with the median
# cost of a row, microseconds of CPU, over what there is on a logarithmic scale.

BEGIN {
	FS = ","
	titles["levels"] = "levels of referrers"
	titles["rules"] = "services with rules of their own"
	titles["partitions"] = "partitions"
	titles["accounts"] = "users, any of them in each row"
	panels = split("levels rules partitions accounts", panel, " ")
	wide = 300; high = 170; left = 46; top = 34
}

$1 == "shape" && ($3 == "bare" || $3 == "ours") {
	split($2, of, " ")
	key = of[1] SUBSEP of[2] SUBSEP $3
	figures[key] = figures[key] " " $5
	if (!((of[1], of[2]) in seen)) {
		seen[of[1], of[2]] = 1
		sizes[of[1]] = sizes[of[1]] " " of[2]
	}
}

function median(text,    n, i, j, v, swap)
{
	n = split(text, v, " ")
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
			swap = v[j]; v[j] = v[j - 1]; v[j - 1] = swap
		}
	return (v[int((n + 1) / 2)] + v[int(n / 2) + 1]) / 2
}

function text(x, y, class, what) { printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, what }
function short(n) { return n >= 1000000 ? n / 1000000 "M" : n >= 1000 ? n / 1000 "k" : n }

# a scale that ends at a round number above the highest figure
function ceiling(highest,    step)
{
	for (step = 1; step * 5 < highest; step *= 10);
	return highest <= step ? step : highest <= step * 2 ? step * 2 : step * 5
}

function draw_axes(x0, y0, name, sizes, n, limit,    i)
{
	text(x0, y0 - 12, "title", titles[name])
	for (i = 0; i <= 2; i++) {
		printf "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"grid\"/>\n", x0, y0 + high - high * i / 2, x0 + wide, y0 + high - high * i / 2
		text(x0 - 6, y0 + high - high * i / 2 + 4, "number", limit * i / 2)
	}
	for (i = 1; i <= n; i++)
		text(across(x0, sizes, n, i), y0 + high + 16, "size", short(sizes[i]))
}

function across(x0, sizes, n, i) { return n == 1 ? x0 : x0 + 8 + (wide - 16) * log(sizes[i] / sizes[1]) / log(sizes[n] / sizes[1]) }

function draw_line(x0, y0, name, who, sizes, n, limit,    i, points)
{
	for (i = 1; i <= n; i++)
		points = points sprintf("%.1f,%.1f ", across(x0, sizes, n, i), y0 + high - high * median(figures[name, sizes[i], who]) / limit)
	printf "<polyline points=\"%s\" class=\"%s\"/>\n", points, who
}

END {
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n", 2 * (wide + left) + 30, 2 * (high + top + 30) + 34
	print "<title>Microseconds of CPU a row, by what there is</title>"
	print "<style>text { font: 12px sans-serif; fill: #333 } .title { font-weight: bold } .number { text-anchor: end } .size { text-anchor: middle }"
	print ".grid { stroke: #ddd } polyline { fill: none; stroke-width: 2 } .bare { stroke: #999; fill: #777 } .ours { stroke: #1668b8; fill: #1668b8 } polyline.bare, polyline.ours { fill: none }"
	print "@media (prefers-color-scheme: dark) { text { fill: #ccc } .grid { stroke: #444 } .ours { stroke: #6ab0f3; fill: #6ab0f3 } }</style>"
	for (p = 1; p <= panels; p++) {
		name = panel[p]
		n = split(sizes[name], size, " ")
		if (n == 0)
			continue
		x0 = left + ((p - 1) % 2) * (wide + left)
		y0 = top + int((p - 1) / 2) * (high + top + 30)
		highest = 0
		for (i = 1; i <= n; i++)
			for (w = 1; w <= 2; w++)
				if (median(figures[name, size[i], w == 1 ? "ours" : "bare"]) > highest)
					highest = median(figures[name, size[i], w == 1 ? "ours" : "bare"])
		limit = ceiling(highest)
		draw_axes(x0, y0, name, size, n, limit)
		draw_line(x0, y0, name, "bare", size, n, limit)
		draw_line(x0, y0, name, "ours", size, n, limit)
	}
	bottom = 2 * (high + top + 30) + 20
	printf "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"ours\" stroke-width=\"2\"/>\n", left, bottom - 4, left + 24, bottom - 4
	text(left + 30, bottom, "legend", "rewards")
	printf "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"bare\" stroke-width=\"2\"/>\n", left + 100, bottom - 4, left + 124, bottom - 4
	text(left + 130, bottom, "legend", "a bare table; microseconds of CPU a row")
	print "</svg>"
}
