// dom: the few words of it that the page needs.
export const $ = id => document.getElementById(id)

export function make (tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else element.setAttribute(name, value)
  }
  element.append(...children)
  return element
}

// write sets a text that is not what it was already.
export function write (element, text) {
  if (element.textContent !== text) element.textContent = text
}

// follow appends to a list that may have been scrolled, and keeps its end in
// view if it was.
export function follow (list, ...items) {
  if (!items.length) return
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30
  list.append(...items)
  if (atEnd) list.scrollTop = list.scrollHeight
}
