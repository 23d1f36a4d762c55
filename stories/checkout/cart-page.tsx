import { Button } from './button'
import { useWorkflow } from './hooks'
import { Page } from './page'
import { euros } from './payments'
import { goods, items } from './workflow'

/** Before the flow begins: nothing is stored yet. */
export function CartPage() {
  const { start } = useWorkflow()
  return (
    <Page title="Your cart">
      <ul className="lines">
        {items.map(({ name, price }) => (
          <li key={name}>
            <span>{name}</span>
            <span>{euros(price)}</span>
          </li>
        ))}
        <li className="sum">
          <span>Total</span>
          <span>{euros(goods)}</span>
        </li>
      </ul>
      <p className="hint">
        Fill a page and a half. Then reload, close the tab or kill the browser: you go on where you were.
      </p>
      <div className="buttons">
        <Button onClick={() => start()}>Check out</Button>
      </div>
    </Page>
  )
}
