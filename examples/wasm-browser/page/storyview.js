// storyview: the stories to choose from, and the steps of the one that is told.
import { $, make, write } from './dom.js'
import { stories } from './stories.js'
import { tell } from './actions.js'
import { clock } from './time.js'

export class StoryView {
  #drawn // the script that is shown, and its last step: an action replaces what followed
  #last
  #current

  // choose is called with a story, go with an instant of it.
  constructor (choose, go) {
    this.go = go
    $('stories').append(...stories.map(story => make('button', { type: 'button', 'data-story': story.id, onclick: () => choose(story) }, story.name)))
  }

  begin (story) {
    for (const button of $('stories').children) button.ariaPressed = button.dataset.story === story.id
    write($('story-name'), story.name)
    write($('about'), story.about)
    this.#drawn = undefined
  }

  show ({ script, done }) {
    if (this.#drawn !== script || this.#last !== script.at(-1)) this.#list(script)
    const current = $('script').children[done - 1]
    if (current === this.#current) return
    this.#current = current
    for (const [i, item] of [...$('script').children].entries()) {
      item.className = i < done - 1 ? 'done' : i === done - 1 ? 'current' : 'to-come'
    }
    if (current) $('script').scrollTop = current.offsetTop - 60
  }

  #list (script) {
    this.#drawn = script
    this.#last = script.at(-1)
    this.#current = null
    $('script').replaceChildren(...script.map(step => make('li', {},
      make('button', { type: 'button', onclick: () => this.go(step.at) }, make('time', {}, clock(step.at)), make('span', {}, tell(step))))))
  }
}
