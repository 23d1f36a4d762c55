import { LeaderSilentError, ReadOnlyError, StepError, type Engine } from 'dogear'
import { useMemo, type ReactNode } from 'react'
import { AddressPage } from './address-page'
import { Button } from './button'
import { CartPage } from './cart-page'
import './checkout.css'
import { DeliveryPage } from './delivery-page'
import { useQuestion, useWorkflow, WorkflowProvider, type Question } from './hooks'
import { loadProblem } from './load-problem'
import { Page, Pages } from './page'
import { PaymentPage } from './payment-page'
import { paymentsAt } from './payments'
import { ReceiptPage } from './receipt-page'
import { SaveStatus, timeOf } from './save-status'
import { ShopPage } from './shop-page'
import { StartOver } from './start-over'
import { Steps } from './steps'
import { WelcomeBack } from './welcome-back'

export interface CheckoutWizardProps {
  /** Names the checkout: the same id finds the same one again. */
  readonly id?: string
  /** Where the payment server listens. Without one the wizard says that nothing can be paid. */
  readonly paymentsUrl?: string | undefined
  /** Default: the page's own engine, on IndexedDB. */
  readonly engine?: Engine
  /** What else belongs to this checkout, such as its inspector. */
  readonly children?: ReactNode
}

/** A checkout that survives: reload it, close the tab, kill the browser, and go on where you were. */
export function CheckoutWizard({ id = 'checkout', paymentsUrl, engine, children }: CheckoutWizardProps) {
  const resources = useMemo(() => ({ payments: paymentsAt(paymentsUrl) }), [paymentsUrl])
  return (
    <div className="checkout" tabIndex={-1}>
      <h1>Checkout</h1>
      <WorkflowProvider
        id={id}
        resources={resources}
        {...(engine && { engine })}
        fallback={<p className="hint">Opening your checkout ...</p>}
        errorFallback={loadProblem}
      >
        <Checkout />
        {children}
      </WorkflowProvider>
    </div>
  )
}

function Checkout() {
  const { status } = useWorkflow()
  const question = useQuestion()
  const stuck = !['idle', 'running', 'waiting', 'completed'].includes(status)
  return (
    <>
      <Steps question={question} />
      <WelcomeBack />
      <Pages>
        <WhileOurs>
          <CurrentPage question={question} />
          <footer>
            <Saved />
            {(question || stuck) && <StartOver />}
          </footer>
        </WhileOurs>
      </Pages>
    </>
  )
}

/** On its own: it changes with every key. */
function Saved() {
  return <SaveStatus persistence={useWorkflow().persistence} />
}

/**
 * Any number of tabs may have one checkout open, and one of them executes it. Without Web Locks the others only read, and so
 * does a tab with older code. Then there is nothing to type into: a write would throw.
 */
function WhileOurs({ children }: { readonly children: ReactNode }) {
  const { persistence, takeOver } = useWorkflow()
  if (persistence.error instanceof ReadOnlyError)
    return (
      <Page title="This checkout goes on in another tab">
        <p>This page cannot take part in it as long as that one is open.</p>
        <div className="buttons">
          <Button onClick={takeOver}>Continue here</Button>
        </div>
      </Page>
    )
  if (persistence.status === 'outdated')
    return (
      <Page title="This page is out of date">
        <p>The checkout was deleted elsewhere, or goes on there with a newer version of this site.</p>
        <div className="buttons">
          <Button onClick={() => location.reload()}>Reload the page</Button>
        </div>
      </Page>
    )
  return (
    <>
      {persistence.error instanceof LeaderSilentError && (
        <div className="notice" role="alert">
          <p>Another tab has this checkout, and does not answer.</p>
          <div className="buttons">
            <Button onClick={takeOver}>Continue here</Button>
          </div>
        </div>
      )}
      {children}
    </>
  )
}

/** The page is derived from what the flow asks: there is no second truth about where the user is. */
function CurrentPage({ question }: { readonly question: Question | undefined }) {
  const { status, progress, retries } = useWorkflow()
  switch (question?.type) {
    case 'askAddress':
      return <AddressPage ask={question} />
    case 'askDelivery':
      return <DeliveryPage ask={question} />
    case 'askShop':
      return <ShopPage ask={question} />
    case 'askApproval':
      return <PaymentPage ask={question} />
  }
  if (status === 'idle') return <CartPage />
  if (status === 'completed') return <ReceiptPage />
  if (status !== 'running' && status !== 'waiting') return <FailedPage />
  const [retry] = retries
  return (
    <Page title="One moment">
      <p role="status">
        {retry
          ? `That did not work: ${retry.error?.message ?? 'no reason is known'}. It is tried again at ${timeOf(retry.retryAt)}.`
          : (progress?.label ?? 'Going on where it stopped ...')}
      </p>
    </Page>
  )
}

/** All tries failed. The next ones have the same key. */
function FailedPage() {
  const { status, error, retry } = useWorkflow()
  const paying = error instanceof StepError && error.step === 'charge'
  const reason = paying && error.cause instanceof Error ? error.cause.message : error?.message
  return (
    <Page title={paying ? 'The payment did not go through' : 'The checkout cannot go on'}>
      <div className="notice" role="alert">
        <p>The reason: {reason ?? status}.</p>
        {paying && <p>Nothing is lost, and trying again cannot charge you twice.</p>}
      </div>
      {status === 'failed' && (
        <div className="buttons">
          <Button onClick={retry}>Try again</Button>
        </div>
      )}
    </Page>
  )
}
