import type { Decorator } from '@storybook/react-vite'
import { StrictMode } from 'react'

/** Mounts everything twice, as React does in development for whoever asks for it: nothing may start or be done twice. */
export const strict: Decorator = (Story) => (
  <StrictMode>
    <Story />
  </StrictMode>
)
