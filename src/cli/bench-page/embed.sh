#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# embed.sh CHART-JS: prints bench-page-data.c, which has the page's parts as arrays.
# To be run where they are.
set -eu

# array NAME FILE
array() {
	printf 'static const unsigned char %s[] = {\n' "$1"
	od -An -v -tu1 <"$2" | sed 's/  *\([0-9][0-9]*\)/\1,/g'
	printf '};\n\n'
}

# What ends a script ends it inside of a text, too.
if grep -qi '</script' "$1" page.js; then
	echo "embed.sh: $1 or page.js: has </script in it, and cannot be put into a page" >&2
	exit 1
fi
echo '/* SPDX-License-Identifier: BSD-2-Clause */'
echo '/* Made by embed.sh. The array chart_js is Chart.js, which has its own licence. */'
echo '#include "cli/bench-page.h"'
echo
array page_html page.html
array page_css page.css
array page_js page.js
array chart_licence chart-licence.txt
array chart_js "$1"
cat <<'END'
const struct bench_page_part bench_page = { "page", page_html, sizeof(page_html) };
const struct bench_page_part bench_page_parts[] = {
	{ "page_css", page_css, sizeof(page_css) },
	{ "chart_licence", chart_licence, sizeof(chart_licence) },
	{ "chart_js", chart_js, sizeof(chart_js) },
	{ "page_js", page_js, sizeof(page_js) },
	{ NULL, NULL, 0 },
};
END
