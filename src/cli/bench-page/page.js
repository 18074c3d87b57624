/* SPDX-License-Identifier: BSD-2-Clause */
'use strict';
(function () {

/* ---- the data: what --json prints ---- */

const data = JSON.parse(document.getElementById('data').textContent);
const head = data.find(d => d.type === 'run');
const of = type => data.filter(d => d.type === type);
const MODES = ['interrupt', 'poll', 'adaptive'];
const mode = (type, wait) => of(type).filter(d => d.wait === wait);

/* ---- words ---- */

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
function bytes(n) {
	if (n >= 1048576)
		return +(n / 1048576).toFixed(1) + ' MiB';
	return n >= 1024 ? +(n / 1024).toFixed(1) + ' KiB' : n + ' B';
}
/* For axes: 12000000 as "12 M", and microseconds as they are. */
function short(n) {
	for (const [unit, size] of [['M', 1e6], ['k', 1e3]])
		if (n >= size)
			return +(n / size).toPrecision(3) + ' ' + unit;
	return String(+n.toPrecision(3));
}
const micros = n => n >= 1000 ? GROUPED.format(n) : String(+n.toPrecision(3));
function fixed(n, digits) {
	return digits === 0 ? GROUPED.format(n) : n.toFixed(digits);
}

/* ---- elements; text is only ever text ---- */

function make(tag, parent, text, className) {
	const e = document.createElement(tag);
	if (text !== undefined)
		e.textContent = text;
	if (className)
		e.className = className;
	parent.appendChild(e);
	return e;
}
const byId = id => document.getElementById(id);

function writeHead() {
	byId('subtitle').textContent = head.date.slice(0, 16).replace('T', ' ') +
		', against ' + head.peer;
	const facts = [
		['Processor', head.cpu + ', ' + head.cores + (head.cores === 1 ? ' core' : ' cores')],
		['System', head.system],
		['Processes', head.pinned ? head.remote ? 'this side pinned to a core' :
			'pinned to two cores' : 'not pinned'],
		['Other side', head.peer + (head.remote ? '' : ', on this host')],
		['Rounds', head.rounds + ', after a warm-up, each in another order'],
		['Bellring', head.version],
	];
	for (const [name, value] of facts) {
		make('dt', byId('machine'), name);
		make('dd', byId('machine'), value);
	}
}

/* ---- in short ---- */

const LIMITS = {
	eventfd: 'two bare eventfds (epoll)', 'eventfd-read': 'two bare eventfds (poll, read)',
	line: 'a bare cache line', copy: 'a two-core copy',
};

function ratioText(r) {
	const to = r.name.split('/')[1];
	if (to in LIMITS)
		return r.of + ', ' + bytes(r.size) +
			(to === 'copy' ? ' one way, as a multiple of ' : ' round trip, as a multiple of ') +
			LIMITS[to];
	if (r.name === 'adaptive-cpu/interrupt-cpu')
		return 'adaptive waiting’s CPU as a multiple of interrupt’s, a message every ' +
			r.every_us + ' µs';
	if (r.name === 'senders/one-sender')
		return r.senders + ' senders’ messages/s as a multiple of one’s, ' + r.of;
	return 'the slowest of ' + r.senders + ' senders as a share of their mean, ' + r.of;
}

/* Not all: of sizes the smallest but one and the largest but one, of senders the most. */
function isKey(r) {
	const sizes = [...new Set(of('throughput').map(d => d.size))].sort((a, b) => a - b);
	const some = [sizes[Math.min(1, sizes.length - 1)], sizes[Math.max(0, sizes.length - 2)]];
	if (r.name.endsWith('/copy'))
		return r.of !== 'adaptive' && some.includes(r.size);
	if (r.every_us)
		return [Math.min, Math.max].some(f => r.every_us === f(...of('paced').map(d => d.every_us)));
	if (r.senders)
		return r.of === 'interrupt' &&
			r.senders === Math.max(...of('ratio').map(d => d.senders || 0));
	return r.name !== 'interrupt/eventfd-read';
}

function card(value, text) {
	const e = make('div', byId('ratios'), undefined, 'ratio');
	make('b', e, value);
	make('span', e, text);
}

function writeRatios() {
	for (const r of of('ratio').filter(isKey))
		card(r.value.toFixed(2) + ' ×', ratioText(r));
	for (const d of of('idle').filter(d => d.wait === 'interrupt'))
		card(d.receiver_cpu_percent.toFixed(3) + ' %', 'CPU of a receiver that sleeps for ' +
			d.seconds + ' s; ' + d.wakes + ' wake-ups');
}

/* ---- how plots look: colours of Okabe and Ito, and a shape each ---- */

const STYLE = {
	interrupt: { color: '#0072b2', pointStyle: 'circle', dash: [] },
	poll: { color: '#d55e00', pointStyle: 'triangle', dash: [] },
	adaptive: { color: '#009e73', pointStyle: 'rect', dash: [] },
};
/* Of the limits, in the order in which they are measured. */
const LIMIT_STYLE = [
	{ color: '#222222', pointStyle: 'crossRot', dash: [7, 4] },
	{ color: '#8a8a8a', pointStyle: 'cross', dash: [2, 3] },
	{ color: '#cc79a7', pointStyle: 'star', dash: [9, 3, 2, 3] },
];

Chart.defaults.font.family = 'system-ui, "Segoe UI", "DejaVu Sans", sans-serif';
Chart.defaults.font.size = 12;
Chart.defaults.color = '#333';
Chart.defaults.borderColor = '#e3e6ea';
Chart.defaults.animation = false;
Chart.defaults.maintainAspectRatio = false;
/* Sharp on paper, too. */
Chart.defaults.devicePixelRatio = Math.max(2, window.devicePixelRatio || 1);

function line(label, points, style, more) {
	return Object.assign({
		label, data: points, borderColor: style.color, backgroundColor: style.color,
		borderDash: style.dash, borderWidth: 2, pointStyle: style.pointStyle,
		pointRadius: 4, pointBorderWidth: 2, tension: 0,
	}, more);
}

/* Where no points are shown: in the legend, too, a line as it is. */
const BARE_LINE = { pointRadius: 0, pointStyle: 'line' };
const LINE_LEGEND = {
	pointStyleWidth: 38,
	generateLabels: chart => Chart.defaults.plugins.legend.labels.generateLabels(chart)
		.map(item => Object.assign(item,
			{ lineDash: chart.data.datasets[item.datasetIndex].borderDash })),
};

/* From least to most of the rounds, behind the line. */
function band(points, style) {
	const edge = key => ({
		data: points.map(p => ({ x: p.x, y: p[key] })), borderWidth: 0, pointRadius: 0,
		pointHitRadius: 0, backgroundColor: style.color + '1c', band: true, order: 9,
	});
	return [Object.assign(edge('low'), { fill: '+1' }), Object.assign(edge('high'), { fill: false })];
}

/* ---- axes ---- */

const TENTHS = v => Math.pow(10, Math.floor(Math.log10(v) + 1e-9));
function below(v) {
	const t = TENTHS(v);
	return [5, 2, 1].find(s => s * t <= v * 1.000001) * t;
}
function above(v) {
	const t = TENTHS(v);
	return [1, 2, 5, 10].find(s => s * t >= v * 0.999999) * t;
}

/* Ticks at 1, 2 and 5, or over many decades at powers of ten. */
function logTicks(min, max) {
	const steps = max / min > 2000 ? [1] : [1, 2, 5], ticks = [];
	for (let t = TENTHS(min); t <= max * 1.000001; t *= 10)
		for (const s of steps)
			if (s * t >= min * 0.999999 && s * t <= max * 1.000001)
				ticks.push(s * t);
	return ticks;
}

function logAxis(title, values, format) {
	const seen = values.filter(v => v > 0);
	const min = below(Math.min(...seen)), max = above(Math.max(...seen));
	return fixedAxis(title, min, max === min ? 10 * max : max, logTicks(min, max), format || short);
}

function fixedAxis(title, min, max, ticks, format) {
	return {
		type: 'logarithmic', min, max, title: { display: true, text: title },
		ticks: { callback: format, autoSkip: false, maxRotation: 0 },
		afterBuildTicks: axis => { axis.ticks = ticks.map(value => ({ value })); },
	};
}

function sizeAxis(sizes) {
	return fixedAxis('message size, bytes', Math.min(...sizes) / 1.3, Math.max(...sizes) * 1.3, sizes,
		v => bytes(v).replace(/ ?B$/, ''));
}

const linearAxis = (title, more) => Object.assign({
	type: 'linear', beginAtZero: true, title: { display: true, text: title },
	ticks: { callback: short } }, more);

/* ---- a figure ---- */

/* All of them, and their size on A4, CSS pixels: for paper they are drawn again. */
const CHARTS = [];
const PAPER = { wide: [655, 310], half: [314, 225], third: [196, 190] };
window.addEventListener('beforeprint', () => CHARTS.forEach(({ chart, paper }) => {
	Chart.defaults.font.size = 10;
	chart.resize(...paper);
}));
window.addEventListener('afterprint', () => CHARTS.forEach(({ chart }) => {
	Chart.defaults.font.size = 12;
	chart.resize();
}));

function figure(title, caption, config, className, legend) {
	const f = make('figure', byId('figures'), undefined, className);
	const words = make('figcaption', f);
	make('b', words, title);
	make('span', words, caption);
	const canvas = make('canvas', make('div', f, undefined, 'plot'));
	canvas.setAttribute('role', 'img');
	canvas.setAttribute('aria-label', title + ': ' + caption);
	config.options = Object.assign({ plugins: {
		legend: { position: 'bottom', labels: Object.assign({
			usePointStyle: true, boxHeight: 7, boxWidth: 9, padding: 12,
			filter: (item, all) => !all.datasets[item.datasetIndex].band,
		}, legend) },
		tooltip: { filter: item => !item.dataset.band },
	} }, config.options);
	CHARTS.push({ chart: new Chart(canvas, config), paper: PAPER[className || 'half'] });
}

const plot = (title, caption, datasets, x, y, className, legend) => figure(title, caption,
	{ type: 'line', data: { datasets }, options: { scales: { x, y } } }, className, legend);

const ys = datasets => datasets.flatMap(d => d.data.map(p => p.y));
const point = (d, x, key) => ({ x, y: d[key], low: d[key + '_min'], high: d[key + '_max'] });

/* A line, and its spread, of each mode that was measured. */
function modeLines(type, x, key) {
	return MODES.flatMap(wait => {
		const points = mode(type, wait).map(d => point(d, x(d), key)).sort((a, b) => a.x - b.x);
		return points.length === 0 ? [] :
			[line(wait, points, STYLE[wait]), ...band(points, STYLE[wait])];
	});
}

/* ---- the figures ---- */

/* A share of p of the samples is at 1 / (1 - p): as far from the next as it is rarer. */
function spectrumPoints(d) {
	return d.spectrum.map(([percent, us]) => ({
		x: percent < 100 ? 100 / (100 - percent) : d.samples, y: us }));
}

function drawSpectrum() {
	const size = Math.min(...of('latency').map(d => d.size));
	const bare = of('bare').map((d, i) =>
		line(d.name, spectrumPoints(d), LIMIT_STYLE[i], BARE_LINE));
	const own = of('latency').filter(d => d.size === size).map(d =>
		line(d.wait, spectrumPoints(d), STYLE[d.wait], BARE_LINE));
	if (own.length === 0)
		return;
	const most = Math.max(...[...own, ...bare].flatMap(d => d.data.map(p => p.x)));
	const ticks = [1, 2, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7].filter(t => t <= most / 1.6);
	const percent = v => v === most ? 'max' :
		v === 1 ? '0 %' : +(100 - 100 / v).toFixed(5) + ' %';
	plot('Latency distribution: round trips of ' + bytes(size),
		'Share of all samples that take no longer; dashed: the limits, without the library.',
		[...own, ...bare],
		fixedAxis('percentile of samples', 1, most, [...ticks, most], percent),
		logAxis('round trip, µs', ys([...own, ...bare]), micros), 'wide',
		LINE_LEGEND);
}

function limitLine(d, i, x, key) {
	return line(d.name, x.map(v => ({ x: v, y: d[key] })), LIMIT_STYLE[i],
		{ borderWidth: 1.5, pointRadius: 3 });
}

function drawLatencyBySize() {
	const lines = modeLines('latency', d => d.size, 'p50_us');
	const sizes = [...new Set(of('latency').map(d => d.size))].sort((a, b) => a - b);
	if (sizes.length < 2)
		return;
	const limits = of('bare').map((d, i) => limitLine(d, i, sizes, 'p50_us'));
	plot('Latency by size', 'Median round trip; shaded: from least to most of the rounds’ medians.',
		[...lines, ...limits], sizeAxis(sizes), logAxis('round trip p50, µs', ys([...lines, ...limits]), micros));
}

function drawThroughput() {
	const lines = modeLines('throughput', d => d.size, 'gib_per_s');
	const sizes = [...new Set(of('throughput').map(d => d.size))].sort((a, b) => a - b);
	if (sizes.length < 2)
		return;
	const copies = of('copy').map(d => point(d, d.size, 'gib_per_s')).sort((a, b) => a.x - b.x);
	if (copies.length > 0)
		lines.push(line('two-core copy (limit)', copies, LIMIT_STYLE[0]));
	plot('Throughput by size', 'One way, one send a message; median and spread of the rounds.',
		lines, sizeAxis(sizes), logAxis('GiB/s', ys(lines)));
}

function drawPaced() {
	const paced = of('paced');
	if (paced.length === 0)
		return;
	const rate = d => 1e6 / d.every_us;
	const rates = [...new Set(paced.map(rate))].sort((a, b) => a - b);
	const x = () => fixedAxis('messages/s', rates[0] / 1.3, rates[rates.length - 1] * 1.3, rates, short);
	const latency = modeLines('paced', rate, 'p50_us');
	plot('CPU against message rate', 'Of the receiver, in percent of a core, while messages come evenly.',
		modeLines('paced', rate, 'receiver_cpu_percent'), x(), linearAxis('receiver’s CPU, %'));
	plot('Latency against message rate',
		'Median from when a message was due until its answer is seen.',
		latency, x(), logAxis('p50, µs', ys(latency), micros));
}

function bars(title, caption, labels, x, series, y) {
	figure(title, caption, {
		type: 'bar',
		data: { labels, datasets: series.map(s => ({ label: s.wait, data: s.values,
			backgroundColor: STYLE[s.wait].color, pointStyle: 'rect', maxBarThickness: 40 })) },
		options: { scales: { x: { grid: { display: false }, title: { display: true, text: x },
			ticks: { maxRotation: 0, autoSkip: false } }, y } },
	}, 'third');
}

function drawBurst() {
	const burst = of('burst');
	if (burst.length === 0)
		return;
	const keys = ['p50_us', 'p90_us', 'p99_us'];
	const all = burst.flatMap(d => keys.map(key => d[key]));
	bars('Burst', burst[0].burst + ' messages of ' + bytes(burst[0].size) +
		' at once, after a pause, until the last is answered.', ['50 %', '90 %', '99 %'], 'percentile of bursts',
		burst.map(d => ({ wait: d.wait, values: keys.map(key => d[key]) })),
		logAxis('µs', [...all, Math.min(...all) / 2], micros));
}

function drawSenders() {
	const senders = of('senders');
	const counts = [...new Set(senders.map(d => d.senders))].sort((a, b) => a - b);
	if (counts.length === 0)
		return;
	const find = (wait, n) => senders.find(d => d.wait === wait && d.senders === n);
	const used = MODES.filter(wait => senders.some(d => d.wait === wait));
	const pick = value => used.map(wait => ({ wait,
		values: counts.map(n => { const d = find(wait, n); return d ? value(d) : null; }) }));
	const labels = counts.map(String);
	bars('Several senders', bytes(senders[0].size) + ' messages to one receiver, of all senders together.',
		labels, 'senders', pick(d => d.messages_per_s), linearAxis('messages/s'));
	if (counts.length > 1)
		bars('Fairness', 'The slowest sender’s messages as a share of the mean sender’s.', labels, 'senders',
			pick(d => d.least_sender_per_s / d.mean_sender_per_s),
			linearAxis('slowest / mean', { max: 1, ticks: { callback: v => v.toFixed(1) } }));
}

/* ---- tables ---- */

const COLUMNS = [
	['size', 'bytes', 0], ['senders', 'senders', 0], ['every_us', 'every µs', 0],
	['burst', 'messages', 0],
	['p50_us', 'p50 µs', 2], ['p90_us', 'p90 µs', 2], ['p99_us', 'p99 µs', 2],
	['p999_us', 'p99.9 µs', 2], ['p9999_us', 'p99.99 µs', 2], ['max_us', 'max µs', 2],
	['messages_per_s', 'messages/s', 0], ['gib_per_s', 'GiB/s', 3],
	['least_sender_per_s', 'slowest sender/s', 0], ['mean_sender_per_s', 'mean sender/s', 0],
	['seconds', 'seconds', 1], ['cpu_ms', 'CPU ms', 3], ['receiver_cpu_percent', 'receiver’s CPU %', 2],
	['cpu_us_per_message', 'CPU µs a message', 3], ['doorbells_per_message', 'doorbells a message', 4],
	['wakes', 'wakes', 0],
];
const TABLES = [
	['Round trips', ['bare', 'latency'], 'p50_us', 'p50 of the rounds, µs'],
	['One way', ['copy', 'throughput'], 'gib_per_s', 'GiB/s of the rounds'],
	['Paced', ['paced'], 'p50_us', 'p50 of the rounds, µs'],
	['Bursts', ['burst'], 'p50_us', 'p50 of the rounds, µs'],
	['Several senders', ['senders'], 'messages_per_s', 'messages/s of the rounds'],
	['Idle', ['idle'], null, null],
];

function writeTable([title, types, spread, spreadTitle]) {
	const rows = types.flatMap(of);
	if (rows.length === 0)
		return;
	const columns = COLUMNS.filter(([key]) => rows.some(r => key in r));
	const digits = spread && COLUMNS.find(([key]) => key === spread)[2];
	make('h3', byId('tables'), title);
	const table = make('table', make('div', byId('tables'), undefined, 'scroll'));
	const top = make('tr', make('thead', table));
	for (const name of ['', ...columns.map(c => c[1]), ...(spread ? [spreadTitle] : [])])
		make('th', top, name);
	const body = make('tbody', table);
	for (const r of rows) {
		const tr = make('tr', body);
		make('td', tr, r.wait || r.name);
		for (const [key, , places] of columns)
			make('td', tr, key in r ? fixed(r[key], places) : '–');
		if (spread)
			make('td', tr, fixed(r[spread + '_min'], digits) + ' … ' + fixed(r[spread + '_max'], digits));
	}
}

/* ---- how it was measured ---- */

const METHOD = [
	'Everything is measured in each round, in another order each time; the first round warms up and is not counted. Figures are medians of the rounds, percentiles are of all samples of all rounds, exactly.',
	'Limits are measured in the same rounds, without the library: two processes that wake each other by eventfds, two that spin on one cache line, and one that copies into 1 MiB of shared memory while another copies out, handing over every 128 KiB.',
	'CPU and doorbells are of both sides, for each message; a round trip is two messages.',
	'Paced: the sender spins, so that it is exact; only the receiver waits in the way that is named, and only its CPU is counted. A message’s time begins when it was due.',
];

function writeMethod() {
	const loads = new Set(data.map(d => d.load));
	for (const text of METHOD)
		if (loads.has('paced') || !text.startsWith('Paced'))
			make('li', byId('method'), text);
	for (const note of of('note'))
		make('li', byId('method'), note.text);
}

writeHead();
writeRatios();
drawSpectrum();
drawPaced();
drawThroughput();
drawLatencyBySize();
drawBurst();
drawSenders();
TABLES.forEach(writeTable);
writeMethod();

}());
