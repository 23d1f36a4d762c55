import { useWorkflow, type Question } from './hooks'

const names = ['Address', 'Delivery', 'Payment', 'Receipt'] as const
type Name = (typeof names)[number]

/** Where each ask belongs. A shop is asked for on one branch only, so it is a part of the delivery. */
const placeOf: Record<Question['type'], Name> = {
  askAddress: 'Address',
  askDelivery: 'Delivery',
  askShop: 'Delivery',
  askApproval: 'Payment',
}

/** What is done, what is being done, what is to come. */
export function Steps({ question }: { readonly question: Question | undefined }) {
  const { status } = useWorkflow()
  if (status === 'idle') return null
  const completed = status === 'completed'
  // Once no ask is open any more, the payment is under way.
  const current = names.indexOf(completed ? 'Receipt' : question ? placeOf[question.type] : 'Payment')
  return (
    <nav aria-label="Progress">
      <ol className="steps">
        {names.map((name, index) => {
          const done = completed || index < current
          return (
            <li key={name} {...(index === current && { 'aria-current': 'step' })}>
              <span className="mark" aria-hidden="true">
                {done ? '✓' : index + 1}
              </span>
              {name}
              <span className="unseen">{done ? ', done' : index > current ? ', to come' : ''}</span>
            </li>
          )
        })}
      </ol>
    </nav>
  )
}
