const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text that is safe anywhere in HTML, also in attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? char)
}

/** One line: `code`, and links to paths of our own. Everything else is text. */
export function inlineMarkdown(text: string): string {
  return escapeHtml(text)
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
    .replaceAll(/\[([^\][]+)\]\((\/[\w/.-]*)\)/g, '<a href="$2">$1</a>')
}

function renderBlock(lines: string[]): string {
  const [first = ''] = lines
  const heading = /^(#{1,3}) (.*)$/.exec(first)
  if (heading?.[1] && heading[2]) {
    const level = heading[1].length
    return `<h${level}>${inlineMarkdown(heading[2])}</h${level}>`
  }
  if (first.startsWith('- ')) {
    const items = lines.join('\n').slice(2).split('\n- ')
    return `<ul>${items.map((item) => `<li>${inlineMarkdown(item)}</li>`).join('')}</ul>`
  }
  return `<p>${inlineMarkdown(lines.join('\n'))}</p>`
}

/** The few forms of Markdown that our own pages use: headings, paragraphs, lists, fenced code, inline code. */
export function renderMarkdown(text: string): string {
  const html: string[] = []
  let block: string[] = []
  let code: string[] | null = null
  const endBlock = () => {
    if (block.length > 0) html.push(renderBlock(block))
    block = []
  }
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) {
      endBlock()
      if (code) html.push(`<pre>${escapeHtml(code.join('\n'))}</pre>`)
      code = code ? null : []
    } else if (code) code.push(line)
    else if (line.trim() === '') endBlock()
    else if (line.startsWith('#')) {
      endBlock()
      html.push(renderBlock([line]))
    } else block.push(line)
  }
  endBlock()
  return html.join('\n')
}
