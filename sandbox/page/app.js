// The page of the sandbox: lists what the control API under v1/ has, and shows one mail.
// Texts of mails reach the document as text only. HTML is parsed in a document that
// neither runs nor loads anything, to count; what is shown of it is in a frame of its own.

const $ = (id) => document.getElementById(id)
const pageSize = 1000
const longText = 200_000

/** el('a.name', {href}, children…) makes an element; values are set as properties or attributes. */
function el(spec, ...rest) {
  const [tag, ...classes] = spec.split('.')
  const node = document.createElement(tag)
  if (classes.length) node.className = classes.join(' ')
  for (const part of rest.flat(2)) {
    if (part == null || part === false) continue
    if (typeof part === 'object' && !(part instanceof Node)) {
      for (const [name, value] of Object.entries(part)) {
        if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
        else if (value === true) node.setAttribute(name, '')
        else if (value != null && value !== false) node.setAttribute(name, value)
      }
    } else node.append(part)
  }
  return node
}

async function ask(path, options) {
  const response = await fetch('v1/' + path, options)
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error?.message ?? response.statusText)
  return answer
}

const state = {
  providers: [], last: 0, rows: new Map(), total: 0, next: null, provider: '', q: '', open: 0, tab: 'preview', changes: -1, whole: false,
}
let shown = null // the mail that is open
const title = (name) => state.providers.find((p) => p.name === name)?.title ?? name
/** visible writes the characters that turn or hide others as escapes. */
const visible = (text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g,
  (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'))
const plural = (n, one, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`
const size = (n) => n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`

function when(text) {
  const at = new Date(text)
  const today = at.toDateString() === new Date().toDateString()
  return today ? at.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit', second: '2-digit'})
    : at.toLocaleDateString([], {day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit'})
}

function later(wait, act) {
  let timer = 0
  return () => { clearTimeout(timer); timer = setTimeout(act, wait) }
}

const fates = {
  delivered: 'Handed over to the recipient',
  bounced: 'The recipient does not exist: the sandbox bounces mail to bounce@ at any domain',
  blocked: 'The provider sends nothing to this address',
  scheduled: 'It waits for its time',
  withdrawn: 'It was withdrawn before it went out',
  dropped: 'The provider accepted it and does not send it',
  partly: 'The recipients differ',
}
const fateChip = (fate, of = 'span') => el(`${of}.chip`, {'data-fate': fate, title: fates[fate]}, fate)

// The list

const filtered = () => new URLSearchParams(
  Object.entries({provider: state.provider, q: state.q}).filter(([, v]) => v),
)

let asked = 0
async function load(before) {
  const turn = ++asked
  const query = filtered()
  query.set('limit', pageSize)
  if (before) query.set('before', before)
  const answer = await ask('mails?' + query)
  if (turn !== asked) return // a newer question is under way
  if (!before) state.rows = new Map()
  for (const row of answer.mails) state.rows.set(row.number, row)
  state.total = answer.total
  state.next = answer.next
  state.changes = answer.changes
  showList()
}

function rowOf(mail, fresh) {
  const to = mail.to.map((a) => a.name || a.email).join(', ') || 'nobody'
  const more = mail.recipients > mail.to.length ? ` and ${mail.recipients - mail.to.length} more` : ''
  return el('li', el('a', {
    href: '#/' + mail.number, 'data-number': mail.number, 'aria-current': mail.number === state.open ? 'true' : null,
    class: fresh ? 'new' : null,
  },
  el('span', el('b.subject', {dir: 'auto'}, mail.subject || '(no subject)'),
    el('time.when', {datetime: mail.accepted_at, title: mail.accepted_at}, when(mail.accepted_at))),
  el('span.second', el('span.who', 'to ', el('bdi', to), more),
    mail.attachments > 0 && el('span', plural(mail.attachments, 'file')),
    mail.fate !== 'delivered' && fateChip(mail.fate),
    el('span.vendor', {'data-provider': mail.provider}, title(mail.provider)))))
}

function showList() {
  const list = $('list')
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.number : ''
  const rows = [...state.rows.values()].sort((a, b) => b.number - a.number).map((m) => rowOf(m))
  if (!rows.length) {
    rows.push(el('li.none', state.q || state.provider ? 'No mail is like that.' : 'No mail yet. It appears here as it comes.'))
  }
  list.replaceChildren(...rows)
  if (focused) list.querySelector(`[data-number="${focused}"]`)?.focus()
  showCount()
  if (!state.open) showNothing()
  document.body.dataset.listed = performance.now()
}

function showCount() {
  $('count').textContent = state.total > state.rows.size
    ? `${state.rows.size.toLocaleString('en')} of ${plural(state.total, 'mail')}` : plural(state.total, 'mail')
  $('older').hidden = !state.next
  $('delete-all').hidden = !state.total
}

/** arrived adds new mails on top, when what is looked for allows it to be decided here. */
function arrived(mails) {
  if (state.q) { reload(); return }
  const list = $('list')
  for (const mail of mails) {
    if (mail.number > state.last) {
      state.last = mail.number
      const of = state.providers.find((p) => p.name === mail.provider)
      if (of) of.mails++
      if (document.hidden) unseen++
    }
    if (state.provider && state.provider !== mail.provider || state.rows.has(mail.number)) continue
    list.querySelector('.none')?.remove()
    state.rows.set(mail.number, mail)
    state.total++
    list.prepend(rowOf(mail, true))
  }
  showFilters()
  showCount()
  showTitle()
}

let unseen = 0 // mails that came while the page was in the background
function showTitle() {
  document.title = (unseen ? `(${unseen}) ` : '') + (shown ? `${shown.subject || '(no subject)'} – ` : '') + 'postmux sandbox'
}
document.addEventListener('visibilitychange', () => { if (!document.hidden) { unseen = 0; showTitle() } })

async function about() {
  const answer = await ask('sandbox')
  state.providers = answer.providers
  state.last = answer.last
  problemsAre(answer.violations)
  hooksAre(answer.webhooks)
  showFilters()
}

function showFilters() {
  const all = state.providers.reduce((n, p) => n + p.mails, 0)
  const box = $('filters')
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.filter : null
  const button = (name, text, count) => el('button.vendor', {
    type: 'button', 'data-filter': name, 'data-provider': name || null, 'aria-pressed': String(name === state.provider),
    onclick: () => filter(name),
  }, text, el('span', String(count)))
  const parts = [button('', 'All', all), ...state.providers.map((p) => button(p.name, p.title, p.mails))]
  parts[0].classList.remove('vendor')
  box.replaceChildren(...parts)
  if (focused !== null) box.querySelector(`[data-filter="${focused}"]`)?.focus()
}

function filter(name) {
  state.provider = name
  showFilters()
  load().catch(failed)
}

const refresh = async () => { await about(); await load() }
const reload = later(150, () => refresh().catch(failed))

function failed(error) {
  live('off', error.message)
}

// One mail

const tabs = [
  ['preview', 'Preview'], ['text', 'Text'], ['source', 'Source'], ['details', 'Details'], ['files', 'Files'], ['links', 'Links'],
  ['call', 'Call'],
]

async function open(number) {
  state.open = number
  for (const a of $('list').querySelectorAll('a')) {
    if (Number(a.dataset.number) === number) a.setAttribute('aria-current', 'true')
    else a.removeAttribute('aria-current')
  }
  document.body.dataset.view = number ? 'mail' : 'list'
  if (!number) { shown = null; showNothing(); showTitle(); return }
  try {
    const mail = await ask('mails/' + number)
    if (state.open !== number) return
    shown = mail
    showMail(mail)
  } catch (error) {
    if (state.open === number) $('mail').replaceChildren(el('div.empty', el('h1', 'This mail is gone'), el('p', error.message), back()))
  }
}

const back = () => el('button.back', {type: 'button', onclick: () => { location.hash = '#/' }}, '‹ Mails')

function addresses(all) {
  return all.map((a) => el('span', a.name && [el('bdi', a.name), ' '], el(a.name ? 'small' : 'bdi', a.name ? `<${a.email}>` : a.email),
    a.fate && all.length > 1 && a.fate !== 'delivered' && fateChip(a.fate, 'small')))
}

function showMail(mail) {
  const seen = looked(mail.html)
  const counts = {files: mail.files.length, links: seen.links.length}
  const usable = {preview: mail.html !== '', source: mail.html !== '', text: mail.text !== ''}
  const first = usable.preview ? 'preview' : usable.text ? 'text' : 'details'
  if (usable[state.tab] === false || (state.tab === 'call' && wide.matches)) state.tab = first

  const people = el('dl.people', [['From', [mail.from]], ['To', mail.to], ['Cc', mail.cc], ['Bcc', mail.bcc], ['Reply to', mail.reply_to]]
    .filter(([, all]) => all.length).flatMap(([name, all]) => [el('dt', name), el('dd', addresses(all.slice(0, 50)),
      all.length > 50 && el('small', `and ${all.length - 50} more`))]))

  const head = el('header.head',
    el('div.title', el('h1', {dir: 'auto'}, mail.subject || '(no subject)'),
      el('div', back(), el('button', {type: 'button', title: 'Delete (Delete)', onclick: () => remove(mail.number)}, 'Delete'))),
    people,
    el('div.facts',
      fateChip(mail.fate),
      el('span.vendor', {'data-provider': mail.provider}, title(mail.provider)),
      el('time', {datetime: mail.accepted_at}, new Date(mail.accepted_at).toLocaleString()),
      el('span', size(mail.size)), mail.id && el('code', {title: 'The id that the vendor returned'}, mail.id)),
    mail.notes.length > 0 && el('ul.notes', {'aria-label': 'Notes'}, mail.notes.map((n) => el('li', n))))

  const bar = el('div.tabs', {role: 'tablist', 'aria-label': 'Views of the mail', onkeydown: alongTabs}, tabs.map(([name, text], i) => el('button', {
    type: 'button', role: 'tab', id: 'tab-' + name, 'data-tab': name, 'aria-controls': 'panel-' + name, title: `${text} (${i + 1})`,
    hidden: usable[name] === false || counts[name] === 0, onclick: () => choose(name),
  }, text, counts[name] > 0 && el('sup', String(counts[name])))))

  const panel = (name, ...content) => el('div', {role: 'tabpanel', id: 'panel-' + name, 'aria-labelledby': 'tab-' + name, tabindex: 0, hidden: true}, ...content)
  const preview = panel('preview', previewOf(mail, seen))
  preview.classList.add('preview')
  preview.tabIndex = -1
  const call = panel('call', el('p', 'Loading the call'))
  call.classList.add('call')
  const body = el('div.body', preview,
    panel('text', long(mail.text, 'div.prose', {dir: 'auto'})),
    panel('source', long(visible(mail.html), 'pre', {dir: 'ltr'})),
    panel('details', details(mail)), panel('files', files(mail)), panel('links', links(seen)))
  $('mail').replaceChildren(head, bar, body, call)
  $('mail').scrollTop = 0
  choose(state.tab)
  showTitle()
  showCall(mail, call, false)
}

/** choose shows one of the tabs. */
function choose(name, focus) {
  const tab = $('tab-' + name)
  if (!tab || tab.hidden) return
  state.tab = name
  for (const [other] of tabs) {
    const on = other === name
    $('tab-' + other).setAttribute('aria-selected', String(on))
    $('tab-' + other).tabIndex = on ? 0 : -1
    $('panel-' + other).hidden = !on
  }
  if (focus) tab.focus()
}

function alongTabs(event) {
  const step = {ArrowRight: 1, ArrowLeft: -1}[event.key]
  if (!step) return
  event.preventDefault()
  event.stopPropagation()
  const usable = tabs.map(([name]) => name).filter((name) => $('tab-' + name).offsetParent)
  choose(usable[(usable.indexOf(state.tab) + step + usable.length) % usable.length], true)
}

function previewOf(mail, seen) {
  if (!mail.html) return []
  const stage = el('div.stage', el('iframe', {
    sandbox: true, src: `v1/mails/${mail.number}/html`, title: 'The mail as HTML', referrerpolicy: 'no-referrer',
  }))
  const width = (name, text) => el('button', {
    type: 'button', 'aria-pressed': String(name === 'desktop'),
    onclick: (event) => {
      stage.dataset.width = name
      for (const b of event.target.parentElement.children) b.setAttribute('aria-pressed', String(b === event.target))
    },
  }, text)
  return [
    el('div.strip',
      seen.remote.length > 0 && el('span.chip', {'data-fate': 'partly', id: 'blocked', title: 'Nothing is loaded from elsewhere'},
        plural(seen.remote.length, 'remote image') + ' blocked'),
      seen.active > 0 && el('span.chip', {id: 'active'}, plural(seen.active, 'active part') + ' switched off'),
      seen.links.length > 0 && el('span.chip', {title: 'They open from the tab Links'}, plural(seen.links.length, 'link') + ' off'),
      el('span.widths', {role: 'group', 'aria-label': 'Width'}, width('desktop', 'Desktop'), width('phone', 'Phone'))),
    stage,
  ]
}

const inert = globalThis.trustedTypes?.createPolicy('inert', {createHTML: (text) => text}) ?? {createHTML: (text) => text}

/** looked parses HTML where nothing of it acts, and returns what leads out of the mail. */
function looked(html) {
  const found = {links: [], remote: [], active: 0}
  if (!html) return found
  const doc = new DOMParser().parseFromString(inert.createHTML(html), 'text/html')
  const remote = new Set()
  const far = (value) => { if (/^\s*(https?:)?\/\//i.test(value ?? '')) remote.add(value.trim()) }
  const css = (text) => { for (const m of (text ?? '').matchAll(/url\(\s*['"]?([^'")]+)/gi)) far(m[1]) }
  for (const node of doc.querySelectorAll('*')) {
    for (const name of ['src', 'poster', 'background', 'data']) far(node.getAttribute(name))
    for (const part of (node.getAttribute('srcset') ?? '').split(',')) far(part.trim().split(/\s/)[0])
    if (['image', 'use', 'feimage'].includes(node.localName.toLowerCase())) far(node.getAttribute('href') ?? node.getAttribute('xlink:href'))
    css(node.getAttribute('style'))
    if (node.localName === 'style') css(node.textContent)
    if (['script', 'form', 'iframe', 'object', 'embed', 'applet'].includes(node.localName)
      || node.localName === 'meta' && node.hasAttribute('http-equiv') && node.getAttribute('http-equiv').toLowerCase() === 'refresh'
      || [...node.attributes].some((a) => a.name.startsWith('on'))) found.active++
    if (['a', 'area'].includes(node.localName) && node.hasAttribute('href')) {
      found.links.push({href: node.getAttribute('href').trim(), text: node.textContent.trim().replace(/\s+/g, ' ').slice(0, 200)})
    }
  }
  found.remote = [...remote]
  return found
}

/** long shows a text, and of a very long one the beginning first. */
function long(text, spec, attributes) {
  const node = el(spec, attributes, text.slice(0, longText))
  if (text.length <= longText) return node
  const more = el('button', {type: 'button', onclick: () => { node.textContent = text; more.remove() }}, `Show all ${size(text.length)}`)
  return el('div', node, more)
}

function table(pairs) {
  return el('dl.table', pairs.filter(([, value]) => value !== '' && value != null)
    .flatMap(([name, value]) => [el('dt', el('bdi', visible(name))), el('dd', {dir: 'auto'}, visible(String(value)))]))
}

function details(mail) {
  const value = (v) => typeof v === 'string' ? v : JSON.stringify(v)
  const section = (name, pairs) => pairs.length ? [el('h2', name), table(pairs)] : []
  return [
    ...section('Headers of the message', Object.entries(mail.headers)),
    ...section('Variables', Object.entries(mail.variables).map(([k, v]) => [k, value(v)])),
    ...section('In the sandbox', [['number', mail.number], ['provider', mail.provider], ['id', mail.id], ['batch', mail.batch], ['template', mail.template],
      ['list', mail.list], ['tags', mail.tags.join(', ')], ['accepted', mail.accepted_at], ['send at', mail.send_at]]),
  ]
}

function files(mail) {
  return el('ul.rows', mail.files.map((f) => el('li',
    // From left to right, so that the extension is what stands at the end.
    el('span', el('bdi', {dir: 'ltr'}, f.file_name)),
    f.name && f.name !== f.file_name && el('small', 'sent as ', el('bdi', {dir: 'ltr'}, visible(f.name))),
    el('small', f.content_type), el('small', f.url ? 'by URL' : size(f.size)),
    f.url ? el('small', {dir: 'ltr'}, visible(f.url)) : el('a', {href: `v1/mails/${mail.number}/files/${f.index}`, download: f.file_name}, 'Download'))))
}

function links(seen) {
  const row = (link) => {
    const safe = /^(https?|mailto|tel):/i.test(link.href)
    return el('li', el('span', el('bdi', link.text || '(without text)')),
      safe ? el('a', {href: link.href, target: '_blank', rel: 'noopener noreferrer nofollow', dir: 'ltr'}, visible(link.href))
        : el('small', {dir: 'ltr'}, visible(link.href)),
      !safe && el('small.chip', {'data-fate': 'blocked'}, 'not opened from here'))
  }
  return [el('ul.rows', seen.links.slice(0, 1000).map(row))]
}

async function showCall(mail, panel, whole) {
  let call
  try {
    call = await ask(`mails/${mail.number}/request${whole ? '?whole=true' : ''}`)
  } catch (error) {
    panel.replaceChildren(el('p', error.message))
    return
  }
  const fields = (all) => table(all.map((f) => [f.name, f.file_name ? `file ${f.file_name}, ${size(f.size)}` : f.value || '""']))
  const cut = !whole && JSON.stringify(call).includes(' bytes more')
  panel.replaceChildren(
    el('h2', `What ${title(mail.provider)} was asked`),
    el('p.line', visible(`${call.method} ${call.path}`)),
    ...(call.query.length ? [el('h2', 'Query'), fields(call.query)] : []),
    ...(call.fields.length ? [el('h2', 'Form'), fields(call.fields)] : []),
    ...(call.body ? [el('h2', 'Body'), el('pre', {dir: 'ltr', tabindex: 0}, visible(call.body))] : []),
    ...(cut ? [el('p', el('button', {type: 'button', onclick: () => showCall(mail, panel, true)}, 'Show long texts whole'))] : []),
    el('h2', 'What it answered'),
    el('p.line', call.answer.status ? String(call.answer.status) : 'nothing: the connection was closed'),
    ...(call.answer.body ? [el('pre', {dir: 'ltr', tabindex: 0}, visible(call.answer.body))] : []),
    el('h2', 'Headers of the call'), table(Object.entries(call.headers).sort(([a], [b]) => a < b ? -1 : 1)),
  )
}

function showNothing() {
  if (state.open) return
  if (state.rows.size) {
    $('mail').replaceChildren(el('div.empty', el('h1', 'Choose a mail'),
      el('p', 'Click one, or press ', el('kbd', 'j'), '. ', el('kbd', '?'), ' lists the keys.')))
    return
  }
  $('mail').replaceChildren(el('div.empty',
    el('h1', 'Waiting for mail'),
    el('p', 'Send something to one of the addresses below and it appears here at once. Nothing leaves this machine.'),
    el('p', 'With the configuration that the sandbox has printed:'),
    el('pre', 'postmux --config sandbox.yaml --provider sendpulse send message.json'),
    el('table', el('thead', el('tr', ['Provider', 'Base URL', 'Key'].map((t) => el('th', {scope: 'col'}, t)))),
      el('tbody', state.providers.map((p) => el('tr', el('td', el('span.vendor', {'data-provider': p.name}, p.title)), el('td', p.base_url), el('td', p.key)))))))
}

// Acts

function sure(question, text) {
  const box = $('sure')
  $('sure-title').textContent = question
  $('sure-text').textContent = text
  box.returnValue = 'no'
  box.showModal()
  return new Promise((done) => box.addEventListener('close', () => done(box.returnValue === 'yes'), {once: true}))
}

async function remove(number) {
  const next = neighbour(1) || neighbour(-1)
  await ask('mails/' + number, {method: 'DELETE'})
  location.hash = next ? '#/' + next : '#/'
}

const chosen = () => Number(location.hash.slice(2)) || 0

function neighbour(step) {
  const numbers = [...state.rows.keys()].sort((a, b) => b - a)
  const at = numbers.indexOf(chosen())
  return at < 0 ? (step > 0 ? numbers[0] : 0) : numbers[at + step] ?? 0
}

function go(step) {
  const number = neighbour(step)
  if (!number) return
  location.hash = '#/' + number
  const a = $('list').querySelector(`[data-number="${number}"]`)
  a?.focus({preventScroll: true})
  a?.scrollIntoView({block: 'nearest'})
}

$('delete-all').addEventListener('click', async () => {
  const what = state.q || state.provider ? 'These mails' : 'All mails'
  if (await sure(`Delete ${plural(state.total, 'mail')}?`, `${what} leave the sandbox. Its providers will not find them either.`)) {
    await ask('mails?' + filtered(), {method: 'DELETE'})
    location.hash = '#/'
  }
})
$('older').addEventListener('click', () => load(state.next).catch(failed))
$('search').addEventListener('input', later(150, () => { state.q = $('search').value.trim(); load().catch(failed) }))

// Deviations

function problemsAre(count) {
  $('open-problems').hidden = count === 0
  $('problem-count').textContent = count
}

$('open-problems').addEventListener('click', async () => {
  const {violations} = await ask('violations')
  $('problem-list').replaceChildren(...violations.slice(0, 200).map((v) => el('li',
    el('small', el('span.vendor', {'data-provider': v.provider}, title(v.provider)), el('span', v.operation || 'no operation'),
      el('span.chip', {'data-fate': v.taken ? 'partly' : 'blocked'}, v.taken ? 'taken' : 'refused'), el('time', {datetime: v.at}, when(v.at))),
    el('span', v.what))))
  $('problems').showModal()
})
$('clear-problems').addEventListener('click', async () => {
  await ask('violations', {method: 'DELETE'})
  $('problems').close()
})

// Webhooks

function hooksAre(count) {
  $('open-hooks').hidden = count === 0
  $('hook-count').textContent = count
}

/** outcomes say what came of a call. */
const outcomes = {
  taken: ['delivered', 'taken', 'The program took the events over'],
  again: ['partly', 'comes again', 'The provider calls again'],
  dropped: ['blocked', 'dropped', 'The provider does not call again: the events are lost, unless its log has them'],
}

function hookRow(h) {
  return el('li',
    el('small', el('span.vendor', {'data-provider': h.provider}, title(h.provider)), h.stream && el('span', h.stream),
      el('span', h.header ? 'with a header' : 'without a header'), h.waiting > 0 && el('span.chip', {'data-fate': 'partly'}, plural(h.waiting, 'event') + ' waiting')),
    el('code', {dir: 'ltr'}, visible(h.url)),
    el('small', h.events.length ? h.events.join(', ') : 'all events'))
}

function callRow(d) {
  const [fate, word, why] = outcomes[d.outcome]
  return el('li',
    el('small', el('b', `${d.number}`), el('span.vendor', {'data-provider': d.provider}, title(d.provider)), el('time', {datetime: d.at, title: d.at}, when(d.at)),
      el('span.chip', {'data-fate': fate, title: why}, word),
      el('span', d.status ? `answered ${d.status}` : 'no answer'), d.try > 1 && el('span', `try ${d.try}`),
      d.again && el('span', 'again at ', el('time', {datetime: d.again, title: d.again}, when(d.again)))),
    el('span', d.events.map((e, i) => [i > 0 && ', ', `${e.kind} `, el('bdi', visible(e.email)), e.campaign && ' (campaign)']), d.count > d.events.length && ` and ${d.count - d.events.length} more`))
}

let showing = 0
async function showHooks() {
  const turn = ++showing
  const {webhooks, deliveries} = await ask('webhooks')
  if (turn !== showing) return // a newer answer is under way
  hooksAre(webhooks.length)
  $('hook-list').replaceChildren(...webhooks.map(hookRow))
  $('call-list').replaceChildren(...deliveries.length ? deliveries.slice(0, 200).map(callRow) : [el('li', 'None yet.')])
}

async function openHooks() {
  await showHooks()
  $('hooks').showModal()
}
$('open-hooks').addEventListener('click', () => openHooks().catch(failed))
const hooksChanged = later(150, () => { if ($('hooks').open) showHooks().catch(failed) })

// Theme

const themes = ['auto', 'light', 'dark']
let kept = null
try { kept = localStorage.getItem('theme') } catch { /* storage may be off */ }
function theme(name) {
  if (!themes.includes(name)) name = 'auto'
  if (name === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = name
  $('theme').querySelector('span').textContent = name
  try { localStorage.setItem('theme', name) } catch { /* the choice lasts as long as the page */ }
  kept = name
}
theme(kept)
const nextTheme = () => theme(themes[(themes.indexOf(kept) + 1) % themes.length])
$('theme').addEventListener('click', nextTheme)
$('open-keys').addEventListener('click', () => $('keys').showModal())

// Keys

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  const typing = event.target.matches('input, textarea')
  if (event.key === 'Escape') {
    if (typing && event.target.value) { event.target.value = ''; event.target.dispatchEvent(new Event('input')) }
    else if (typing) event.target.blur()
    else if (state.open) {
      const number = state.open
      location.hash = '#/'
      $('list').querySelector(`[data-number="${number}"]`)?.focus()
    }
    return
  }
  if (typing) {
    if (event.key === 'ArrowDown' || event.key === 'Enter') { event.preventDefault(); $('list').querySelector('a')?.focus() }
    return
  }
  const inText = event.target.closest?.('[role=tabpanel], .head')
  const acts = {
    j: () => go(1), k: () => go(-1), ArrowDown: !inText && (() => go(1)), ArrowUp: !inText && (() => go(-1)),
    '/': () => { document.body.dataset.view = 'list'; $('search').focus(); $('search').select() },
    f: () => {
      const names = ['', ...state.providers.map((p) => p.name)]
      filter(names[(names.indexOf(state.provider) + 1) % names.length])
    },
    w: () => { if (!$('open-hooks').hidden) openHooks().catch(failed) },
    t: nextTheme, '?': () => $('keys').showModal(),
    Delete: () => { if (chosen()) remove(chosen()).catch(failed) }, // state.open comes a moment later
  }
  const tab = tabs[Number(event.key) - 1]
  const act = acts[event.key] || (tab && state.open && (() => choose(tab[0], true)))
  if (act) { event.preventDefault(); act() }
})

// Live

function live(to, text) {
  $('live').dataset.state = to
  $('live').querySelector('span').textContent = text
}

function listen() {
  const events = new EventSource('v1/events')
  events.addEventListener('open', () => live('on', 'live'))
  events.addEventListener('error', () => live('off', 'the sandbox does not answer'))
  events.addEventListener('mails', (event) => arrived(JSON.parse(event.data)))
  events.addEventListener('state', (event) => {
    const {changes, violations, last, webhooks} = JSON.parse(event.data)
    problemsAre(violations)
    hooksAre(webhooks)
    hooksChanged()
    // The stream begins with this event, also after a pause in which anything may have come.
    if (changes !== state.changes || last !== state.last) reload()
    if (changes !== state.changes && state.open && shown) open(state.open)
  })
}

const wide = matchMedia('(min-width: 1360px)')
wide.addEventListener('change', () => { if (state.tab === 'call') choose(shown?.html ? 'preview' : 'text') })
addEventListener('hashchange', () => open(chosen()))

await about().catch(failed)
await load().catch(failed)
listen()
if (chosen()) open(chosen())
