// forgeryview: the form that puts onto the wire what no end would.
import { $ } from './dom.js'
import { forgeries } from './actions.js'
import { unhex } from './bytes.js'

const own = 'hex'

// startForgeryView lets the form call act with what to do.
export function startForgeryView (act) {
  $('forgery').append(...Object.entries(forgeries).map(([id, { name }]) => new Option(name, id)), new Option('bytes of your own', own))
  $('forgery').addEventListener('change', () => { $('forged-hex').hidden = $('forgery').value !== own })
  $('forge').addEventListener('submit', event => {
    event.preventDefault()
    $('forge-error').textContent = ''
    let action
    try {
      action = actionTo(event.submitter?.value ?? 'server')
    } catch (e) {
      $('forge-error').textContent = e.message
      return
    }
    act(action)
  })
}

function actionTo (to) {
  if ($('forgery').value !== own) return { do: 'inject', to, what: $('forgery').value }
  const hex = $('forged-hex').value
  if (!unhex(hex).length) throw new Error('Which bytes?')
  return { do: 'inject', to, hex }
}
